#!/bin/bash
# SPDX-License-Identifier: MIT
# What: headless Chromium: a page with a script, a picture of it
# Needs: chromium
# Timeout: 120
cat > page.html <<'END'
<p id=p>nothing</p>
<script>
let sum = 0;
for (let i = 0; i < 1e6; i++) sum += i;
document.getElementById("p").textContent = "sum " + sum;
new Worker(URL.createObjectURL(new Blob(["postMessage(7)"]))).onmessage =
	e => document.body.append(" worker " + e.data);
</script>
END
export HOME=$PWD
browse() {
	chromium --headless --no-sandbox --disable-gpu --virtual-time-budget=5000 \
		"$@" "file://$PWD/page.html" 2>/dev/null
}
browse --dump-dom | grep -oE 'sum [0-9]+|worker [0-9]+'
browse --screenshot=page.png --window-size=300,200
python3 - <<'END'
import struct
print(struct.unpack(">II", open("page.png", "rb").read()[16:24]))
END

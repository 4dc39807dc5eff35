# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A container runtime (crun) as a program in the sandbox.

test_crun() {
	need crun
	need python3
	ok -- sh -ec '
		mkdir -p /tmp/c/rootfs /run/crun
		cd /tmp/c
		crun spec
		python3 - <<"END"
import json, os
spec = json.load(open("config.json"))
spec["process"]["terminal"] = False
spec["process"]["args"] = ["/bin/sh", "-c", """
	echo $$ $(hostname)
	echo /proc/[0-9]*
	touch /x 2>/dev/null || echo read-only
	exit 3"""]
for d in "usr", "lib", "lib64", "bin", "etc":
    os.makedirs("rootfs/" + d, exist_ok=True)
    spec["mounts"].append({"destination": "/" + d, "source": "/" + d,
                           "type": "bind", "options": ["rbind", "ro"]})
json.dump(spec, open("config.json", "w"))
END
		crun --cgroup-manager=disabled run name || echo "status $?"'
	expect_out "1 crun
/proc/1
read-only
status 3"
}

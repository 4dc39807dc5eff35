#!/bin/sh
# SPDX-License-Identifier: MIT
# What: ffmpeg: a generated video with sound, encoded, converted, streamed
# Needs: ffmpeg ffprobe
# Timeout: 120
run() { ffmpeg -nostdin -v error -y -bitexact -threads 2 "$@"; }
run -f lavfi -i testsrc=size=320x240:rate=25 -f lavfi -i sine=frequency=440 -t 2 \
	-c:v mpeg4 -q:v 5 -c:a aac -flags:v +bitexact -flags:a +bitexact a.avi
echo "encode $?"; sha256sum a.avi
run -i a.avi -c:v mjpeg -q:v 3 -vf scale=160:120,hflip -c:a flac \
	-flags:v +bitexact b.mkv; echo "convert $?"
run -i b.mkv -f framemd5 -; echo "decode $?"
ffprobe -v error -show_entries stream=codec_name,width,height,sample_rate -of csv b.mkv
# through a pipe and TCP, two processes
run -i a.avi -c copy -f mpegts - | run -f mpegts -i - -f md5 - ; echo "pipe $?"
port=$(python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
run -f mpegts -i "tcp://127.0.0.1:$port?listen=1&listen_timeout=30000" -f md5 - & reader=$!
for i in $(seq 100); do
	run -i a.avi -c copy -f mpegts "tcp://127.0.0.1:$port" 2>/dev/null && break
	sleep 0.1
done
wait $reader; echo "tcp $?"
run -i none.avi c.avi 2>/dev/null; echo "missing $?"

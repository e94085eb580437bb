#!/bin/bash
# Makes what testcam.py shows, in the folder given: encoded as cameras do (no B frames, a key frame every two seconds, a bounded
# rate), with access unit delimiters so that the camera can split it. Needs ffmpeg with libx264.
#
#   make_content.sh scene FOLDER   something crosses a quiet, noisy picture from 9 s to 14 s of 24 s: scene_main.h264 (1280x720@10),
#                                  scene_1080p20.h264, scene_sub.h264 (640x480@10, pixels not square), tone.aac
#   make_content.sh street FOLDER  real footage (Debian's opencv-doc): street_main.h264 (1920x1080@20), street_sub.h264
#                                  (640x480@10), tone.aac
set -eu
what=$1 folder=$2
mkdir -p "$folder"
cd "$folder"

encode() { # output fps kbit/s, then ffmpeg's input and filter arguments
    local out=$1 fps=$2 rate=$3
    shift 3
    [ -s "$out" ] && return
    ffmpeg -v error -nostdin -y "$@" -an -r "$fps" -c:v libx264 -preset veryfast -profile:v main -pix_fmt yuv420p -bf 0 \
        -sc_threshold 0 -x264-params aud=1:repeat-headers=1 -g $((2 * fps)) -keyint_min $((2 * fps)) \
        -b:v "${rate}k" -maxrate "${rate}k" -bufsize "${rate}k" -f h264 "$out.part"
    mv "$out.part" "$out"
}

tone() {
    [ -s tone.aac ] && return
    ffmpeg -v error -nostdin -y -f lavfi -i "sine=f=440:d=20:beep_factor=4" -ac 1 -ar 16000 -c:a aac -b:a 32k -f adts tone.part
    mv tone.part tone.aac
}

scene() { # WxH
    # Coordinates in fractions of the picture; the noise is that of a dim room.
    echo "color=0x5a6470:s=$1:r=10:d=24,drawbox=x=0:y=ih*0.7:w=iw:h=ih*0.3:color=0x46503c:t=fill,drawbox=x=iw*0.7:y=ih*0.2:w=iw*0.15:h=ih*0.5:color=0x7a4a3a:t=fill,noise=alls=6:allf=t"
}

mover() { # WxH
    echo "color=0xe0d0b0:s=$((${1%x*} / 12))x$((${1#*x} / 3)):r=10:d=24"
}

case $what in
scene)
    for size in 1280x720 640x480; do
        name=scene_main.h264 rate=1500
        [ $size = 640x480 ] && name=scene_sub.h264 rate=500
        encode $name 10 $rate -f lavfi -i "$(scene $size)" -f lavfi -i "$(mover $size)" \
            -filter_complex "[0][1]overlay=x='(t-9)/5*(W-w)':y='H*0.4':enable='between(t,9,14)'" -t 24
    done
    encode scene_1080p20.h264 20 4000 -i scene_main.h264 -vf "scale=1920:1080,fps=20,noise=alls=6:allf=t" -t 24
    tone
    ;;
street)
    footage=/usr/share/doc/opencv-doc/examples/data/vtest.avi
    encode street_main.h264 20 4000 -i $footage -vf "scale=1920:1080,minterpolate=fps=20:mi_mode=blend" -t 40
    encode street_sub.h264 10 700 -i $footage -vf "scale=640:480" -t 40
    tone
    ;;
*)
    echo "make_content.sh: scene or street?" >&2
    exit 2
    ;;
esac

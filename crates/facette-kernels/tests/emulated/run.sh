#!/bin/sh
# Runs this crate's property tests on an emulated processor with AVX-512, VNNI, AVX-VNNI and AMX.
# See README.md beside this file. Usage: run.sh [argument of the test programs]...
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
work=${EMULATED_DIR:-$root/target/emulated}
bochs=bochs-3.0
# Of Debian 13, whose sources apt must know (`Types: deb-src`, suite trixie).
archive=bochs_3.0+dfsg.orig.tar.xz
digest=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b
mkdir -p "$work/deb" "$work/files"
cd "$work"

if [ ! -x "$bochs/bochs" ]; then
    # The archive is all that is needed; what describes it may be gone from where it comes from.
    [ -e "$archive" ] || apt-get source --download-only bochs=3.0+dfsg-1 || [ -e "$archive" ]
    echo "$digest  $archive" | sha256sum -c
    rm -rf "$bochs"
    tar -xf "$archive"
    patch -s -d "$bochs" -p1 < "$here/bochs.patch"
    (
        cd "$bochs"
        ./configure --with-nogui --disable-docbook --disable-plugins --disable-debugger \
            --enable-cpu-level=6 --enable-x86-64 --enable-pci --enable-avx --enable-evex \
            --enable-amx --enable-protection-keys --enable-all-optimizations \
            --disable-vmx --disable-svm --disable-monitor-mwait --disable-perfmon \
            CXXFLAGS="-O2 -fno-exceptions -w" CFLAGS="-O2 -w" > configure.log
        make -j"$(nproc)" > make.log
    )
fi

if [ ! -e files/linux ]; then
    image=$(apt-cache depends linux-image-cloud-amd64 | awk '/Depends: linux-image/ {print $2}')
    (
        cd deb
        apt-get download "$image" busybox-static isolinux syslinux-common bochsbios vgabios \
            xorriso libisoburn1 libisofs6 libburn4 libjte2
        for package in *.deb; do dpkg -x "$package" ../files; done
    )
    cp files/boot/vmlinuz-* files/linux
fi

# The test programs, linked statically: nothing else is on the emulated machine.
rm -rf start iso
mkdir -p start/bin start/dev start/proc start/tests iso/isolinux
RUSTFLAGS="-C target-feature=+crt-static" cargo test --release --locked --no-run \
    --manifest-path "$root/Cargo.toml" --package facette-kernels \
    --target x86_64-unknown-linux-gnu --target-dir "$work/target" --message-format json |
    sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' |
    while read -r program; do
        name=$(basename "$program")
        cp "$program" "start/tests/${name%-*}"
        strip "start/tests/${name%-*}"
    done
cp "$(find files -path '*/bin/busybox' -type f | head -n 1)" start/bin/busybox
cp "$here/init" start/init
echo "$*" > start/arguments
(cd start && find . | bin/busybox cpio -o -H newc 2> "$work/cpio.log") > iso/start
cp files/linux iso/linux
cp files/usr/lib/ISOLINUX/isolinux.bin files/usr/lib/syslinux/modules/bios/ldlinux.c32 iso/isolinux/
cp "$here/isolinux.cfg" iso/isolinux/
LD_LIBRARY_PATH=$work/files/usr/lib/x86_64-linux-gnu files/usr/bin/xorriso -as mkisofs -quiet \
    -o machine.iso -b isolinux/isolinux.bin -c isolinux/boot.cat \
    -no-emul-boot -boot-load-size 4 -boot-info-table iso

# The machine has no way to switch itself off: it says when it is done.
cp "$here/bochsrc" bochsrc
rm -f serial.out
: > serial.out
"$bochs/bochs" -q -f bochsrc < /dev/null > console.log 2>&1 &
machine=$!
trap 'kill $machine' EXIT
until grep -q '^emulated: ' serial.out || ! kill -0 $machine; do sleep 2; done
cat serial.out
grep -q '^emulated: passed' serial.out

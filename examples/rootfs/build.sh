#!/bin/sh
# Makes build/rootfs (a directory) and build/image (an OCI image layout) out of /bin/busybox.
set -eu
cd "$(dirname "$0")"
[ -x /bin/busybox ] || { echo 'build.sh: no /bin/busybox: apt-get install busybox-static' >&2; exit 1; }
[ ! -e build/image/index.json ] || exit 0

case $(uname -m) in
  x86_64) architecture=amd64 ;;
  aarch64) architecture=arm64 ;;
  *) architecture=$(uname -m) ;;
esac

rm -rf build
umask 022
mkdir -p build/rootfs/bin build/rootfs/etc build/rootfs/www build/rootfs/tmp build/image/blobs/sha256
chmod 1777 build/rootfs/tmp
cp /bin/busybox build/rootfs/bin/
for applet in $(/bin/busybox --list); do
  [ "$applet" = busybox ] || ln -s busybox "build/rootfs/bin/$applet"
done
echo 'root:x:0:0:root:/:/bin/sh' > build/rootfs/etc/passwd
echo 'root:x:0:' > build/rootfs/etc/group
echo 'Hello from a root filesystem of one program.' > build/rootfs/www/index.html

# Puts standard input into the content store; prints `"digest":…,"size":…`, as a descriptor has them.
store() {
  cat > build/blob
  digest=$(sha256sum build/blob | cut -d ' ' -f 1)
  size=$(stat -c %s build/blob)
  mv build/blob "build/image/blobs/sha256/$digest"
  printf '"digest":"sha256:%s","size":%s' "$digest" "$size"
}

layer=$(tar -C build/rootfs --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -c . | store)
diff_id=$(printf %s "$layer" | cut -d '"' -f 4)
config=$(printf '{"architecture":"%s","os":"linux","config":{"Cmd":["httpd","-f","-p","80","-h","/www"],"Env":["PATH=/bin"],"WorkingDir":"/www","ExposedPorts":{"80/tcp":{}}},"rootfs":{"type":"layers","diff_ids":["%s"]}}' \
  "$architecture" "$diff_id" | store)
manifest=$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}' \
  "$config" "$layer" | store)
printf '{"imageLayoutVersion":"1.0.0"}' > build/image/oci-layout
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"annotations":{"org.opencontainers.image.ref.name":"latest"}}]}' \
  "$manifest" > build/image/index.json

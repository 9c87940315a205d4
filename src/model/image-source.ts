/** Where a root filesystem comes from. */
export type ImageSource =
  /** No `image`, `build` or `x-rootfs`: the host's installed programs, copy-on-write. */
  | { readonly type: 'host' }
  /** `x-rootfs`: a directory or a tarball, absolute. */
  | { readonly type: 'rootfs'; readonly path: string }
  /** `oci:DIR[:tag]`, `oci-archive:FILE[:tag]`, `docker-archive:FILE[:tag]`; path absolute. */
  | {
      readonly type: 'oci' | 'oci-archive' | 'docker-archive';
      readonly path: string;
      readonly tag?: string;
    }
  /** A reference, as written, or an image id. `platform`: of an image for several; absent: the machine's own. */
  | { readonly type: 'reference'; readonly reference: string; readonly platform?: string }
  /** Unpacked layers of the store, by the chain id of the top one: what a step of a build runs on. */
  | { readonly type: 'layers'; readonly id: string };

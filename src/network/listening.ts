/** TCP_LISTEN in the kernel's include/net/tcp_states.h, as proc_net_tcp prints it. */
const LISTEN = '0A';

/** A socket that waits for connections. */
export interface Listening {
  readonly family: 4 | 6;
  /** Its address in network byte order: 4 or 16 bytes; all 0: every address. */
  readonly address: Uint8Array;
}

/** Who listens on a TCP port, of the text of `/proc/PID/net/tcp` or `tcp6` (Documentation/networking/proc_net_tcp.rst). */
export function listeningOn(port: number, text: string | undefined): readonly Listening[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0');
  return (text ?? '').split('\n').flatMap((line): Listening[] => {
    const [, local = '', , state] = line.trim().split(/\s+/);
    const [address = '', hexPort] = local.split(':');
    if (state !== LISTEN || hexPort !== wanted) return [];
    return [{ family: address.length === 8 ? 4 : 6, address: addressBytes(address) }];
  });
}

/** 32-bit words as the machine has them, which is little endian. */
function addressBytes(hex: string): Uint8Array {
  const words = hex.match(/.{8}/g) ?? [];
  return Uint8Array.from(words.flatMap((word) => [...Buffer.from(word, 'hex').reverse()]));
}

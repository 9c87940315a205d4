"""Frames as they are: `listen IFACE` prints those that come in, in hexadecimal; `send IFACE` sends those it reads."""
import socket
import sys

sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
sock.bind((sys.argv[2], 0))
if sys.argv[1] == "send":
    for line in sys.stdin:
        sock.send(bytes.fromhex(line.strip()))
else:
    print("ready", flush=True)
    while True:
        frame, (_, _, kind, _, _) = sock.recvfrom(65536)
        if kind != 4:  # PACKET_OUTGOING
            print(frame.hex(), flush=True)

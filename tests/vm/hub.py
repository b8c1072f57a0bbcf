# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests' networks: one hub a VLAN, on socket pairs, without an address of the host."""
import selectors
import socket
import struct
import threading

FRAME_BYTES = 70000           # the largest frame that virtio hands over, with room
WAITING_BYTES = 1 << 20       # for a guest that does not read; more is lost, as on a wire


class Port:
    def __init__(self, sock, vlan):
        self.sock, self.vlan = sock, vlan
        self.read, self.waiting = bytearray(), bytearray()

    def frames(self):
        """What has come in whole: QEMU's stream is frames with four bytes of length."""
        while len(self.read) >= 4:
            length, = struct.unpack_from("!I", self.read)
            if length > FRAME_BYTES:
                raise ConnectionError("a frame too long")
            if len(self.read) < 4 + length:
                return
            frame = bytes(self.read[:4 + length])
            del self.read[:4 + length]
            yield frame

    def send(self):
        try:
            del self.waiting[:self.sock.send(self.waiting)]
        except BlockingIOError:
            pass


class Hub(threading.Thread):
    """Hands every frame to all other ports of its VLAN, until close()."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        self.lock = threading.Lock()
        self.wake, waker = socket.socketpair()
        self.selector.register(waker, selectors.EVENT_READ)
        self.ports, self.new, self.ending = [], [], False
        self.start()

    def attach(self, vlan):
        """Return the guest's end of a new port."""
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with self.lock:
            self.new.append(Port(ours, vlan))
        self.wake.send(b"x")
        return theirs

    def close(self):
        self.ending = True
        self.wake.send(b"x")
        self.join(5)

    def run(self):
        while not self.ending:
            for key, events in self.selector.select():
                if key.data is None:
                    key.fileobj.recv(64)
                    continue
                try:
                    self.serve(key.data, events)
                except OSError:
                    self.selector.unregister(key.fileobj)
                    key.fileobj.close()
                    self.ports.remove(key.data)
            with self.lock:
                added, self.new = self.new, []
            for port in added:
                self.ports.append(port)
                self.selector.register(port.sock, selectors.EVENT_READ, port)

    def serve(self, port, events):
        if events & selectors.EVENT_READ:
            data = port.sock.recv(1 << 16)
            if not data:
                raise ConnectionError("the guest is gone")
            port.read += data
            for frame in port.frames():
                for other in self.ports:
                    if other is not port and other.vlan == port.vlan:
                        self.hand(other, frame)
        elif port.waiting:
            port.send()
        self.watch(port)

    def hand(self, port, frame):
        if len(port.waiting) + len(frame) > WAITING_BYTES:
            return
        port.waiting += frame
        try:
            port.send()
        except OSError:
            port.waiting.clear()    # its own event will tell that it is gone
        self.watch(port)

    def watch(self, port):
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if port.waiting else 0)
        self.selector.modify(port.sock, events, port)

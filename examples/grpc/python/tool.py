"""A tool of one's own beside the gateway: it opens a terminal by a share link's token, lists sessions and closes them.

Which of these it may do is said by its certificate. docs/grpc.md explains the calls, and how the modules
that are imported from `kubeopencode` are made.
"""

import argparse
import ipaddress
import os
import pathlib
import queue
import socket
import sys
import threading

import grpc

from kubeopencode.terminal.v1 import terminal_pb2 as pb
from kubeopencode.terminal.v1 import terminal_pb2_grpc

# The name in every broker's certificate, whatever its address.
NAME = "kubeopencode-terminal-broker"
SERVICE = f"{NAME}.kubeopencode-system:50051"
# Seconds for a call that is answered at once.
CALL_DEADLINE = 10
PAGE_SIZE = 500
# Bytes of one message of input; the contract allows 65536.
PIECE_BYTES = 16 * 1024


class Failure(Exception):
    """One sentence for the user."""


class Brokers:
    """Every address of each name: the brokers' Service is headless, so that its name has those of all pods."""

    def __init__(self, names: list[str], tls_dir: pathlib.Path):
        self.addresses = sorted({address for name in names for address in resolved(name)})
        self._credentials = grpc.ssl_channel_credentials(
            root_certificates=(tls_dir / "ca.crt").read_bytes(),
            private_key=(tls_dir / "tls.key").read_bytes(),
            certificate_chain=(tls_dir / "tls.crt").read_bytes(),
        )

    def connect(self, address: str) -> grpc.Channel:
        options = [("grpc.ssl_target_name_override", NAME), ("grpc.enable_http_proxy", 0)]
        return grpc.secure_channel(address, self._credentials, options)


def resolved(name: str) -> list[str]:
    host, _, port = name.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        raise Failure(f"cannot find {name}: {error}") from error
    addresses = (information[4][0] for information in found)
    bracketed = (f"[{address}]" if ":" in address else address for address in addresses)
    return [f"{address}:{port}" for address in bracketed]


def list_sessions(brokers: Brokers, arguments: argparse.Namespace) -> int:
    """Prints what there is. A broker that cannot be asked makes the list incomplete, which the exit code says."""
    outcome = 0
    for address in brokers.addresses:
        try:
            list_of(brokers, address, arguments)
        except grpc.RpcError as error:
            print(f"{address}: {told(error)}", file=sys.stderr)
            outcome = 1
    return outcome


def list_of(brokers: Brokers, address: str, arguments: argparse.Namespace) -> None:
    with brokers.connect(address) as channel:
        stub = terminal_pb2_grpc.TerminalBrokerStub(channel)
        request = pb.ListSessionsRequest(
            namespace=arguments.namespace, agent=arguments.agent, page_size=PAGE_SIZE
        )
        while True:
            page = stub.ListSessions(request, timeout=CALL_DEADLINE)
            for session in page.sessions:
                agent = f"{session.agent.namespace}/{session.agent.name}"
                print(session.session_id, agent, session.client_address, page.replica, sep="\t")
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token


def close_session(brokers: Brokers, arguments: argparse.Namespace) -> int:
    """Asks one broker after the other, until one has the session."""
    request = pb.CloseSessionRequest(session_id=arguments.session_id, reason=arguments.reason)
    unasked = 0
    for address in brokers.addresses:
        with brokers.connect(address) as channel:
            stub = terminal_pb2_grpc.TerminalBrokerStub(channel)
            try:
                stub.CloseSession(request, timeout=CALL_DEADLINE)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.NOT_FOUND:
                    print(f"{address}: {told(error)}", file=sys.stderr)
                    unasked += 1
                continue
        print(arguments.session_id, "closed", sep="\t")
        return 0
    if unasked:
        raise Failure(f"{unasked} of {len(brokers.addresses)} brokers could not be asked")
    raise Failure("no broker has this session: it has ended")


class Terminal:
    """One terminal over one call: what is read from stdin is typed as the program takes it, and what it shows is
    acknowledged once it is written."""

    def __init__(self, opening: pb.Open):
        # `None` ends the requests.
        self._requests: queue.SimpleQueue[pb.AttachRequest | None] = queue.SimpleQueue()
        self._requests.put(pb.AttachRequest(open=opening))
        self._credit = 0
        self._credited = threading.Condition()

    def run(self, stub: terminal_pb2_grpc.TerminalBrokerStub) -> int:
        for response in stub.Attach(iter(self._requests.get, None)):
            match response.WhichOneof("response"):
                case "opened":
                    print(f"session {response.opened.session_id}", file=sys.stderr, flush=True)
                    self._add_credit(response.opened.input_window_bytes)
                    threading.Thread(target=self._type, daemon=True).start()
                case "input_credit":
                    self._add_credit(response.input_credit)
                case "output":
                    sys.stdout.buffer.write(response.output)
                    sys.stdout.buffer.flush()
                    # Without it the program is held up after 256 KiB.
                    self._requests.put(pb.AttachRequest(ack=len(response.output)))
                case "closed":
                    return self._closed(response.closed)
                # Compressed output comes to those who ask for it; further kinds are of a newer broker.
        raise Failure("the broker broke off")

    def _add_credit(self, count: int) -> None:
        with self._credited:
            self._credit += count
            self._credited.notify()

    def _type(self) -> None:
        while True:
            with self._credited:
                self._credited.wait_for(lambda: self._credit > 0)
                most = min(self._credit, PIECE_BYTES)
            piece = os.read(sys.stdin.fileno(), most)
            if not piece:
                # The end of stdin is the end of the visit, as when a page is closed.
                self._requests.put(None)
                return
            with self._credited:
                self._credit -= len(piece)
            self._requests.put(pb.AttachRequest(input=piece))

    def _closed(self, closed: pb.Closed) -> int:
        print(closed.message, file=sys.stderr)
        self._requests.put(None)
        if closed.reason == pb.CLOSE_REASON_ENDED:
            return closed.exit_code
        return 0 if closed.category == "viewer_left" else 1


def attach(brokers: Brokers, arguments: argparse.Namespace) -> int:
    """Opens a terminal at any broker: they are all alike."""
    opening = pb.Open(
        token=arguments.token_file.read_text().strip(),
        client_address=str(arguments.client_address),
        size=pb.Size(columns=arguments.columns, rows=arguments.rows),
    )
    for address in brokers.addresses:
        with brokers.connect(address) as channel:
            try:
                grpc.channel_ready_future(channel).result(timeout=CALL_DEADLINE)
            except grpc.FutureTimeoutError:
                print(f"{address}: cannot connect", file=sys.stderr)
                continue
            return Terminal(opening).run(terminal_pb2_grpc.TerminalBrokerStub(channel))
    raise Failure("no broker can be reached")


def told(error: grpc.RpcError) -> str:
    return f"{error.code().name}: {error.details()}"


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--broker", action="append", metavar="HOST:PORT")
    parser.add_argument("--tls-dir", type=pathlib.Path, default=pathlib.Path("/etc/kubeopencode/tls"))
    commands = parser.add_subparsers(required=True)

    command = commands.add_parser("list", help="print the open sessions of all brokers")
    command.add_argument("--namespace", default="")
    command.add_argument("--agent", default="")
    command.set_defaults(run=list_sessions)

    command = commands.add_parser("close", help="end a session")
    command.add_argument("session_id")
    command.add_argument("--reason", default="", help="why, for the viewer to read")
    command.set_defaults(run=close_session)

    command = commands.add_parser("attach", help="open a terminal between stdin and stdout")
    command.add_argument("--token-file", type=pathlib.Path, required=True)
    command.add_argument("--client-address", type=ipaddress.ip_address, default="127.0.0.1")
    command.add_argument("--columns", type=int, default=120)
    command.add_argument("--rows", type=int, default=40)
    command.set_defaults(run=attach)
    return parser.parse_args()


def main() -> int:
    arguments = parsed()
    try:
        brokers = Brokers(arguments.broker or [SERVICE], arguments.tls_dir)
        return arguments.run(brokers, arguments)
    except grpc.RpcError as error:
        print(f"error: {told(error)}", file=sys.stderr)
    except (Failure, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""python -m collio.bench helloworld | pingpong | ringtest: does a job run, and how fast are messages?

Run it under mpiexec. Every command has --help.
"""

import argparse
import sys

import numpy as np

from . import MPI


def helloworld(args, comm):
    """each process says who it is, in the order of the ranks"""
    line = f"Hello, World! I am process {comm.rank} of {comm.size} on {MPI.Get_processor_name()}."
    lines = comm.gather(line)
    if comm.rank == 0 and not args.quiet:
        print("\n".join(lines))


def ringtest(args, comm):
    """a message goes round all processes"""
    out, back = np.full(args.size, 42, np.uint8), np.zeros(args.size, np.uint8)
    right, left = (comm.rank + 1) % comm.size, (comm.rank - 1) % comm.size

    def once():
        if comm.rank == 0:
            comm.Send(out, right)
            comm.Recv(back, left)
        else:
            comm.Recv(back, left)
            comm.Send(back, right)

    if comm.size == 1:
        once = lambda: comm.Sendrecv(out, 0, recvbuf=back)  # noqa: E731
    for _ in range(args.skip):
        once()
    comm.Barrier()
    start = MPI.Wtime()
    for _ in range(args.loop):
        once()
    seconds = MPI.Wtime() - start
    if comm.rank == 0 and not (back == 42).all():
        raise ValueError("the message came back changed")
    if comm.rank == 0 and not args.quiet:
        print(f"time for {args.loop} loops = {seconds:g} seconds ({comm.size} processes, {args.size} bytes)")


def pingpong(args, comm):
    """two processes send a message to and fro: time one way and bandwidth, by size"""
    if comm.size < 2:
        sys.exit("pingpong: two processes are needed: mpiexec -n 2 python -m collio.bench pingpong")
    partner = 1 - comm.rank if comm.rank < 2 else None
    if comm.rank == 0 and not args.quiet:
        print(f"# {'size (B)':>12} {'time (us)':>12} {'MB/s':>12}")
    size = args.min_size
    while size <= args.max_size:
        loops = args.loop if size < 1 << 16 else max(1, args.loop // 10)
        seconds = _to_and_fro(comm, partner, size, loops, args) if partner is not None else 0.0
        if comm.rank == 0 and not args.quiet:
            print(f"{size:14d} {seconds * 1e6:12.2f} {size / seconds / 1e6:12.2f}")
        size *= 2
    comm.Barrier()


def _to_and_fro(comm, partner, size, loops, args):
    """Seconds one way, the least of several rounds."""
    out, back = np.zeros(size, np.uint8), np.zeros(size, np.uint8)

    def send():
        comm.send(out, partner) if args.pickle else comm.Send(out, partner)

    def receive():
        comm.recv(None, partner) if args.pickle else comm.Recv(back, partner)

    turns = (send, receive) if comm.rank == 0 else (receive, send)
    least = float("inf")
    for number in range(args.skip + 5):
        start = MPI.Wtime()
        for _ in range(loops):
            turns[0]()
            turns[1]()
        if number >= args.skip:
            least = min(least, (MPI.Wtime() - start) / loops / 2)
    return least


def _number(text):
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def _parser():
    parser = argparse.ArgumentParser(prog="python -m collio.bench", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for function in (helloworld, ringtest, pingpong):
        one = commands.add_parser(function.__name__, help=function.__doc__, description=function.__doc__)
        one.set_defaults(function=function)
        one.add_argument("-q", "--quiet", action="store_true", help="print nothing")
        if function is not helloworld:
            one.add_argument("-s", "--skip", type=int, default=1, help="rounds before the clock starts")
            one.add_argument("-l", "--loop", type=_number, default=1 if function is ringtest else 1000,
                             help="rounds that are timed")
    commands.choices["ringtest"].add_argument("-n", "--size", type=_number, default=1, help="bytes of the message")
    ping = commands.choices["pingpong"]
    ping.add_argument("-m", "--min-size", type=_number, default=1, help="bytes of the first message")
    ping.add_argument("-n", "--max-size", type=_number, default=1 << 22, help="bytes of the last message")
    ping.add_argument("-p", "--pickle", action="store_true", help="send the array as an object (lower-case calls)")
    return parser


def main(arguments=None):
    args = _parser().parse_args(arguments)
    args.function(args, MPI.COMM_WORLD)


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""One bench-bounce process, asked for windows."""
import json
import os
import subprocess
import sys


class Device:
    """One device, scheduling and rule count, in a process of its own."""

    def __init__(self, build, device, scheduling, rules, entry_cost_ns, core=1, prefix=(), more=(), image="cmd/safelib-nf/safelib-nf"):
        command = [*prefix, f"{build}/bench/bench-bounce", "--device", device, "--image", f"{build}/{image}", "--rules",
                   str(rules), "--entry-cost-ns", str(entry_cost_ns), "--core", str(core), *more]
        if scheduling == "polling":
            command.append("--polling")
        self.name = device
        self.is_polling = scheduling == "polling"
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            sys.exit(f"bench: {' '.join(command)} did not start")

    def tell(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def hear(self):
        answer = self.process.stdout.readline().split()
        if not answer:
            sys.exit(f"bench: the {self.name} process ended")
        return [float(word) for word in answer[1:]]

    def status(self):
        """The image's status."""
        self.tell("status")
        return json.loads(self.process.stdout.readline().split(" ", 1)[1])

    def rss(self):
        """Bytes of memory that the process has."""
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as stream:
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def ask(self, text):
        self.tell(text)
        return self.hear()

    def window(self, size, count):
        """ns per packet of the image's core, wall ns per packet, packets per turn."""
        wall, inside, turns = self.ask(f"rate {size} {count}")
        return (wall if self.is_polling else inside) / count, wall / count, count / turns if turns else 0

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)

# SPDX-License-Identifier: Apache-2.0
"""Results as JSON, with the machine, the date and the kernel beside the numbers."""
import datetime
import json
import os
import platform


def percentile(ordered, share):
    return ordered[int(share * (len(ordered) - 1) + 0.5)]


def cpu_name():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return "unknown"


def machine():
    return {"cpu": cpu_name(), "cores": os.cpu_count(),
            "memory_mib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // (1 << 20),
            "kernel": platform.release()}


def write(path, name, body):
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    os.makedirs(os.path.dirname(os.path.abspath(path)), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        json.dump({"name": name, "date": now, "machine": machine(), **body}, file, indent=1)
        file.write("\n")
    print(f"wrote {path}")

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Where a bounced packet spends its time: a profile of the worker's thread (native: the image's code without loader), by
part. Usage: bench/bounce/profile.py BUILD OUT.json   exit 77: perf is not installed"""
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lib")]
from driver import Device  # noqa: E402
from results import write  # noqa: E402

PARTS = [  # the first that matches, by symbol or library
    (None, r"native_idle"),
    ("cipher, decrypt", r"aes_gcm_dec"),
    ("cipher, encrypt", r"aes_gcm_enc"),
    ("ESP", r"sl_esp_|sl_replay|sl_aead|trailer_write|payload_check|sl_probe"),
    ("firewall and chain", r"firewall|fw_|sl_chain|table_|classif|vector|dimension"),
    ("parsing", r"parse|sl_packet"),
    ("rings", r"sl_tx|sl_rx|sl_host|tx_|rx_|space_place|desc|publish|fetch"),
    ("worker", r"sl_worker|send_one|open_one|open_burst|close_burst|lane_next|run_port|next_header|sl_tunnel"),
    ("memory copies", r"memcpy|memmove|memset"),
    ("kernel (interrupts, page faults)", r"\[k\]"),
]


def shares_of(text, parts):
    """@return what share of the worker's time each part has, out of perf's report by thread, library and symbol"""
    shares, other = {}, 0.0
    for line in text.splitlines():
        match = re.match(r"\s*([0-9.]+)%\s+worker\s+(.*)", line)
        if not match:
            continue
        for name, pattern in parts:
            if re.search(pattern, match.group(2)):
                shares[name] = shares.get(name, 0.0) + float(match.group(1))
                break
        else:
            other += float(match.group(1))
    shares.pop(None, None)
    shares["other"] = other
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def profile(build, size, count, windows):
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        device = Device(build, "native", "polling", 1, 0, prefix=("perf", "record", "-q", "-e", "cpu-clock", "-F", "5000", "-o",
                                                                data, "--"))
        own = []
        for _ in range(windows):
            own.append(device.window(size, count)[0])
        device.close()
        text = subprocess.run(["perf", "report", "-i", data, "--stdio", "--sort", "comm,dso,sym"],
                              capture_output=True, text=True, check=False).stdout
    return min(own), shares_of(text, PARTS)


def main():
    build, out = sys.argv[1:3]
    if shutil.which("perf") is None:
        print("skipped: perf is not installed")
        sys.exit(77)
    rows = []
    for size, count, windows in ((64, 16384, 60), (576, 8192, 60), (1420, 4096, 60)):
        best, shares = profile(build, size, count, windows)
        for name, share in sorted(shares.items(), key=lambda item: -item[1]):
            rows.append({"inner_bytes": size, "part": name, "share_percent": 100 * share, "ns": share * best})
        print(f"{size} B, {best:.0f} ns: " + ", ".join(f"{row['part']} {row['ns']:.0f}" for row in rows
                                                      if row["inner_bytes"] == size), flush=True)
    write(out, "profile", {"rows": rows})


if __name__ == "__main__":
    main()

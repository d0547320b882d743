# SPDX-License-Identifier: Apache-2.0
"""What all scenarios of the monitor's server share: checks, and the OpenAPI file that every answer is held against."""
import re
import sys

import yaml

TRUSTD, JOURNAL, OPENAPI = sys.argv[1:4]
KILLS = int(sys.argv[4]) if len(sys.argv) > 4 else 10
SPEC = yaml.safe_load(open(OPENAPI, encoding="utf-8"))
SEEN = set()
CHECKS = [0]


def check(text, good, *more):
    CHECKS[0] += 1
    print("  %s %s" % ("ok   " if good else "FAIL ", text), *([] if good else more), flush=True)
    if not good:
        raise SystemExit(1)


def described(path):
    for pattern in SPEC["paths"]:
        if re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", pattern), path.split("?")[0]):
            return pattern
    return None


def watch(server):
    """Every answer of the server must be one that the OpenAPI file describes."""
    plain = server.call

    def call(method, path, token=None, body=None, connection=None, raw=None):
        status, headers, said = plain(method, path, token, body, connection, raw)
        pattern = described(path)
        entry = SPEC["paths"].get(pattern, {}).get(method.lower()) if pattern else None
        if entry is not None:
            answer = entry["responses"].get(str(status))
            check("%s %s %d is described" % (method, pattern, status), answer is not None)
            if "$ref" in answer:
                answer = SPEC["components"]["responses"][answer["$ref"].split("/")[-1]]
            kind = headers["Content-Type"].split(";")[0]
            check("%s %s %d is %s" % (method, pattern, status, kind), kind in answer["content"], answer)
            schema = answer["content"][kind].get("schema", {})
            if "$ref" in schema:
                schema = SPEC["components"]["schemas"][schema["$ref"].split("/")[-1]]
            missing = [name for name in schema.get("required", []) if name not in said]
            check("%s %s %d has its members" % (method, pattern, status), not missing, missing)
            SEEN.add((method.lower(), pattern, status))
        if status >= 400 and pattern != "/v1/health":
            check("%d is problem+json" % status, headers["Content-Type"] == "application/problem+json" and
                  said["status"] == status and said["title"] and said["detail"], said)
        return status, headers, said
    server.call = call
    return server


def verdict(server, viewer, node, subject="host"):
    _, _, said = server.call("GET", "/v1/nodes/%s/verdicts" % node.id, viewer)
    found = [v for v in said["verdicts"] if v["id"] == subject]
    return (found[0]["verdict"], [r["code"] for r in found[0]["reasons"]]) if found else (None, [])

"""Prints the arms of keys, written only from docs/experiments.md: assign_arms.py PLAN < "TIME_US<tab>KEY" lines."""

import datetime
import functools
import hashlib
import json
import sys

MASK = (1 << 64) - 1


def rotl(x, n):
    return ((x << n) | (x >> (64 - n))) & MASK


def siphash24(key, data):
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:16], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def half(a, b, s, t):
        v[a] = (v[a] + v[b]) & MASK
        v[b] = rotl(v[b], s) ^ v[a]
        if t:
            v[a] = rotl(v[a], t)

    def sipround():
        half(0, 1, 13, 32)
        half(2, 3, 16, 0)
        half(0, 3, 21, 0)
        half(2, 1, 17, 32)

    padded = data + bytes(-(len(data) + 1) % 8) + bytes([len(data) & 255])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        sipround()
        sipround()
        v[0] ^= word
    v[2] ^= 255
    for _ in range(4):
        sipround()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def bucket(purpose, salt, key):
    return siphash24(hashlib.sha256((purpose + salt).encode()).digest()[:16], key.encode()) % 10000


def microseconds(text):
    since = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")) - datetime.datetime(
        1970, 1, 1, tzinfo=datetime.UTC
    )
    return since // datetime.timedelta(microseconds=1)


@functools.cache
def owners(steps):
    owner = [0] * 10000
    for wanted in steps:
        released = []
        for arm, share in enumerate(wanted):
            released += [b for b in range(10000) if owner[b] == arm][share:]
        released.sort()
        for arm, share in enumerate(wanted):
            missing = max(0, share - owner.count(arm))
            for b in released[:missing]:
                owner[b] = arm
            released = released[missing:]
    return owner


def arm_of(experiment, key, now):
    arms = [arm for arm in experiment["arms"] if not arm.get("shadow", False)]
    steps = [[arm["share"] for arm in arms]]
    steps += [step["shares"] for step in experiment.get("ramp", []) if microseconds(step["from"]) <= now]
    owner = owners(tuple(tuple(round(share * 10000) for share in step) for step in steps))
    return arms[owner[bucket("arm:", experiment["salt"], key)]]["name"]


def main():
    plan = json.load(open(sys.argv[1]))
    for line in sys.stdin.buffer:
        time, key = line.decode().rstrip("\n").split("\t")
        names = []
        for layer in plan["layers"]:
            place = bucket("layer:", layer["salt"], key)
            for experiment in plan["experiments"]:
                runs = microseconds(experiment.get("start", "0001-01-01T00:00:00Z")) <= int(time)
                runs = runs and int(time) < microseconds(experiment.get("stop", "9999-12-31T00:00:00Z"))
                low, high = experiment["buckets"]
                if key and runs and experiment["layer"] == layer["name"] and low <= place < high:
                    names.append(experiment["name"] + "/" + arm_of(experiment, key, int(time)))
        print(" ".join(names))


main()

"""What libseccomp makes of a profile in Docker's format, as moby and runc give it to it.

Reads requests, a line of JSON each: {"profile", "arch", "capabilities", "kernel", "numbers" of
calls by name}; answers a line each: {"filter" in base64,
"unknown": names that this libseccomp has no number for} or {"error"}. For another architecture than this machine's, unknown
names are left out of its filter.
"""

import base64
import json
import sys
import tempfile

import seccomp

ARCHITECTURES = {"x86_64": (seccomp.Arch.X86_64, "amd64"), "aarch64": (seccomp.Arch.AARCH64, "arm64")}
COMPARISONS = {
    "SCMP_CMP_NE": seccomp.NE,
    "SCMP_CMP_LT": seccomp.LT,
    "SCMP_CMP_LE": seccomp.LE,
    "SCMP_CMP_EQ": seccomp.EQ,
    "SCMP_CMP_GE": seccomp.GE,
    "SCMP_CMP_GT": seccomp.GT,
    "SCMP_CMP_MASKED_EQ": seccomp.MASKED_EQ,
}
PLAIN = {
    "SCMP_ACT_ALLOW": seccomp.ALLOW,
    "SCMP_ACT_KILL": seccomp.KILL,
    "SCMP_ACT_KILL_THREAD": seccomp.KILL,
    "SCMP_ACT_KILL_PROCESS": seccomp.KILL_PROCESS,
    "SCMP_ACT_TRAP": seccomp.TRAP,
    "SCMP_ACT_LOG": seccomp.LOG,
}


def action(name, data):
    data = 1 if data is None else data
    if name == "SCMP_ACT_ERRNO":
        return seccomp.ERRNO(data)
    return seccomp.TRACE(data) if name == "SCMP_ACT_TRACE" else PLAIN[name]


def applies(rule, go_arch, capabilities, kernel):
    """moby profiles/seccomp, setupSeccomp()."""
    includes, excludes = rule.get("includes") or {}, rule.get("excludes") or {}
    if any(arch == go_arch for arch in excludes.get("arches") or []):
        return False
    if any(name in capabilities for name in excludes.get("caps") or []):
        return False
    if includes.get("arches") and go_arch not in includes["arches"]:
        return False
    if not all(name in capabilities for name in includes.get("caps") or []):
        return False
    oldest = includes.get("minKernel")
    return not oldest or tuple(int(part) for part in oldest.split(".")) <= tuple(kernel)


def conditions(rule):
    """runc libcontainer/seccomp, matchCall(): several conditions on one argument are a rule each."""
    args = rule.get("args") or []
    made = [
        seccomp.Arg(each["index"], COMPARISONS[each["op"]], each["value"], each.get("valueTwo") or 0) for each in args
    ]
    indexes = [each["index"] for each in args]
    return [made] if len(set(indexes)) == len(indexes) else [[each] for each in made]


def compile_profile(request, native):
    profile = request["profile"]
    arch, go_arch = ARCHITECTURES[request["arch"]]
    is_native = (arch ^ native) & 0xFFFFFFFF == 0
    default = action(profile["defaultAction"], profile.get("defaultErrnoRet"))
    made = seccomp.SyscallFilter(default)
    if not is_native:
        made.add_arch(arch)
        made.remove_arch(seccomp.Arch())
    unknown = []
    for rule in profile["syscalls"]:
        verdict = action(rule["action"], rule.get("errnoRet"))
        # libseccomp refuses a rule that is the default; runc leaves it out.
        if verdict == default or not applies(rule, go_arch, request["capabilities"], request["kernel"]):
            continue
        for name in rule["names"]:
            number = seccomp.resolve_syscall(seccomp.Arch(), name)
            if number == -1:
                unknown.append(name)
                number = request["numbers"].get(name) if is_native else None
                if number is None:
                    continue
            for args in conditions(rule):
                made.add_rule(verdict, number, *args)
    with tempfile.TemporaryFile() as file:
        made.export_bpf(file)
        file.seek(0)
        return {"filter": base64.b64encode(file.read()).decode(), "unknown": unknown}


def main():
    native = seccomp.system_arch()
    for line in sys.stdin:
        try:
            answer = compile_profile(json.loads(line), native)
        except RuntimeError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


main()

# SPDX-License-Identifier: MIT
"""Read by gdb, not by Python: what gdb sees of the program `traced` while it calls a memoized
function. Prints lines of JSON that begin with "seen:". test_debuggers.py is the case."""

import json

import gdb  # pylint: disable=import-error

CALLER = "inner_function"
MOST_STEPS = 20000
STOPS = 20
MOST_STOPS = 2000


def names():
    """The functions on the stack, innermost first."""
    found = []
    frame = gdb.newest_frame()
    while frame is not None:
        found.append(frame.name() or hex(frame.pc()))
        frame = frame.older()
    return found


def say(what, value):
    print("seen: " + json.dumps([what, value]))


def finish():
    """Where one is after `finish` of the selected frame: not in which function inlined there."""
    gdb.execute("finish", to_string=True)
    frame = gdb.newest_frame()
    while frame.type() == gdb.INLINE_FRAME:
        frame = frame.older()
    return frame.name()


def stop_at(place):
    gdb.execute(f"tbreak {place}", to_string=True)
    gdb.execute("run" if gdb.selected_inferior().pid == 0 else "continue", to_string=True)


def is_complete(stack):
    """CALLER, outer_function and main, in this order."""
    rest = iter(stack)
    return all(name in rest for name in (CALLER, "outer_function", "main"))


def walk():
    """Every instruction of the call that CALLER is about to make: the functions that were run, and
    those places from where the way to main was lost."""
    ran, lost, n_steps = set(), [], 0
    while n_steps < MOST_STEPS:
        stack = names()
        # The kernel's clock is read anew as long as it changes meanwhile, which at this speed it
        # does.
        gdb.execute("finish" if stack[0].endswith("clock_gettime") else "stepi", to_string=True)
        n_steps += 1
        stack = names()
        if stack[0] == CALLER:
            if ran:
                break
            continue
        ran.add(stack[0])
        if not is_complete(stack):
            lost.append([hex(gdb.newest_frame().pc()), stack])
    return {"ran": sorted(ran), "lost": lost, "n_steps": n_steps}


def main():
    for command in "set pagination off", "set confirm off", "set startup-with-shell off":
        gdb.execute(command)

    stop_at("real_work")
    say("miss", names())
    gdb.execute("frame function counted_hooked", to_string=True)
    say("finish of the real function", finish())
    ups = [gdb.selected_frame().name()]
    while ups[-1] != "main":
        gdb.execute("up", to_string=True)
        ups.append(gdb.selected_frame().name())
    say("up", ups)
    gdb.execute("frame function outer_function", to_string=True)
    say("finish of a caller", finish())
    say("value", int(gdb.history(0)))

    stop_at(CALLER)
    say("walk of a hit", walk())
    stop_at(CALLER)  # with a table that is there already, and need not be filled first
    say("walk of a miss", walk())
    gdb.execute("kill", to_string=True)

    stop_at("memoshim_thunk_6")  # as in test_debuggers.py
    say("thunk", names())
    say("finish of a thunk", finish())
    stop_at(IN_A_HIT)
    say("hit", names())
    say("finish of the hit", finish())
    gdb.execute("kill", to_string=True)

    gdb.execute("set args sampled")
    gdb.execute("handle SIGALRM stop print nopass", to_string=True)
    gdb.execute("run", to_string=True)
    stacks = []
    n_ours = 0
    while len(stacks) < STOPS or (n_ours == 0 and len(stacks) < MOST_STOPS):
        stacks.append(names())
        n_ours += any(name in OURS for name in stacks[-1])
        gdb.execute("continue", to_string=True)
    say("stops", stacks)
    gdb.execute("kill", to_string=True)


main()

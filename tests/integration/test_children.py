# SPDX-License-Identifier: MIT
"""`children`: what executed programs get, by every way of executing one, and what the program and
its children see of LD_PRELOAD."""

import os
import shutil

import case
import counted

LAUNCH = case.PROGRAMS / "launch"
WITH_ENVIRONMENT = ("execve", "execvpe", "execle", "fexecve", "execveat", "syscall", "posix_spawn",
                    "posix_spawnp", "vforkve")
INHERITING = "execv", "execvp", "execl", "execlp", "vfork", "system", "popen"
MARKED = f"{case.LIBRARY.parent}/.//./{case.LIBRARY.name}"


class Children(counted.CountedCase):

    def setUp(self):
        super().setUp()
        # Two libraries that others preload.
        self.others = []
        for name in "one", "two":
            path = self.folder / f"lib{name}.so"
            shutil.copy(case.PROGRAMS / "count_crypt.so", path)
            self.others.append(str(path))

    def launch(self, how, environment, *argv, children=None, preload=None, **more):
        """What the executed program reports, by name."""
        top = {"children": children} if children else {}
        config = self.config(counted.functions("square"), **{**top, **more.pop("top", {})})
        env = {"LAST": "here", **more.pop("env", {})}
        if preload is not None:
            env["LD_PRELOAD"] = preload
        outcome = self.run_with(config, [more.pop("program", LAUNCH), how, environment,
                                         *(argv or (LAUNCH, "report"))], env=env, **more)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""), outcome.stdout)
        return dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())

    def expect(self, report, **wanted):
        self.assertEqual({name: report[name] for name in wanted}, wanted, report)

    def report(self, children=None, **how):
        """What the program that memoshim acts in reports itself."""
        config = self.config(counted.functions("square"),
                             **({"children": children} if children else {}))
        outcome = self.run_with(config, [how.pop("program", LAUNCH), "report"], **how)
        self.assertEqual((outcome.status, outcome.stderr), (0, b""))
        return dict(line.split("=", 1) for line in outcome.stdout.decode().splitlines())

    # ---- inherit --------------------------------------------------------------------------------

    def test_inherit(self):
        for how in INHERITING + WITH_ENVIRONMENT:
            for environment in ("inherited", "own") if how in WITH_ENVIRONMENT else ("inherited",):
                for children in None, "inherit":
                    with self.subTest(how=how, environment=environment, children=children):
                        self.expect(self.launch(how, environment, children=children),
                                    LD_PRELOAD=str(case.LIBRARY), loaded="1", remembers="1",
                                    MEMOSHIM_CONFIG="set", LAST="here",
                                    EXTRA="1" if environment == "own" else "-")

    def test_cleaned_environment(self):
        """Nothing is added."""
        for children in None, "off", ["launch"]:
            for how in INHERITING + WITH_ENVIRONMENT:
                with self.subTest(how=how, children=children):
                    self.expect(self.launch(how, "clean", children=children), LD_PRELOAD="-",
                                MEMOSHIM_CONFIG="-", loaded="0", remembers="0", LAST="-")

    # ---- off ------------------------------------------------------------------------------------

    def test_off(self):
        for how in INHERITING + WITH_ENVIRONMENT:
            for environment in ("inherited", "own") if how in WITH_ENVIRONMENT else ("inherited",):
                with self.subTest(how=how, environment=environment):
                    self.expect(self.launch(how, environment, children="off"), LD_PRELOAD="-",
                                variables="0", MEMOSHIM_CONFIG="set", loaded="0", remembers="0",
                                LAST="here", EXTRA="1" if environment == "own" else "-")

    def test_the_program_sees_what_it_would_see_without(self):
        self.expect(self.report("off"), LD_PRELOAD="-", variables="0", loaded="1", remembers="1",
                    MEMOSHIM_CONFIG="set")

    def test_only_our_entries_leave(self):
        own, (one, two) = str(case.LIBRARY), self.others
        link = self.folder / "linked.so"
        link.symlink_to(own)
        spellings = {
            own: None,
            f"{own}:": None,
            f" {own} ": None,
            f"{own}:{own}": None,
            f"{own}:{link} {own}": None,
            f"{own}:{one}": one,
            f"{one}:{own}": one,
            f"{own}:{one}:{two}": f"{one}:{two}",
            f"{two} {own} {one}": f"{two} {one}",
            f"{two}:{own} {one}": f"{two} {one}",
            f"{two}:{own}:{one}:{own}": f"{two}:{one}",
            f"{one}::{two}: {link}": f"{one}:{two}",
            f"{link}": None,
            f"{os.path.dirname(own)}/../{os.path.basename(os.path.dirname(own))}/"
            f"{os.path.basename(own)}:{one}": one,
        }
        for preload, left in spellings.items():
            with self.subTest(preload):
                self.expect(self.report("off", env={"LD_PRELOAD": preload}),
                            LD_PRELOAD=left or "-", variables="1" if left else "0", remembers="1")
                self.expect(self.launch("execv", "inherited", children="off", preload=preload),
                            LD_PRELOAD=left or "-", loaded="0")

    def test_found_by_the_loader(self):
        """A bare name, and a token that the loader replaces."""
        one = self.others[0]
        for preload, path in ((f"{case.LIBRARY.name}:{one}", {}),
                              (f"$ORIGIN/../../../shim/{case.LIBRARY.name} {one}", {}),
                              ("${ORIGIN}/../../../shim/" + f"{case.LIBRARY.name}:{one}", {})):
            with self.subTest(preload):
                env = {"LD_PRELOAD": preload, "LD_LIBRARY_PATH": case.LIBRARY.parent}
                self.expect(self.report("off", env=env), LD_PRELOAD=one, remembers="1")

    def test_foreign_names_are_left_alone(self):
        """A library of the same name elsewhere, a longer variable."""
        other = self.folder / case.LIBRARY.name
        shutil.copy(self.others[0], other)
        self.expect(self.report("off", env={"LD_PRELOAD": f"{other}:{case.LIBRARY}",
                                            "LD_PRELOADED": str(case.LIBRARY)}),
                    LD_PRELOAD=str(other), remembers="1")

    # ---- a list ---------------------------------------------------------------------------------

    def named(self, *names):
        paths = []
        for name in names:
            path = self.folder / name
            if not path.exists():
                path.symlink_to(LAUNCH)
            paths.append(path)
        return paths

    def test_list(self):
        worker, other = self.named("worker", "other")
        for how in INHERITING + WITH_ENVIRONMENT:
            for environment in ("inherited", "own") if how in WITH_ENVIRONMENT else ("inherited",):
                for program, acts in ((worker, "1"), (other, "0")):
                    with self.subTest(how=how, environment=environment, program=program.name):
                        report = self.launch(how, environment, program, "report",
                                             children=["worker"])
                        self.expect(report, remembers=acts, loaded="1", MEMOSHIM_CONFIG="set",
                                    LD_PRELOAD=MARKED, LAST="here")

    def test_list_reaches_through_programs_that_are_not_in_it(self):
        worker, other = self.named("worker", "other")
        for how in "system", "popen", "execve", "posix_spawn":
            report = self.launch(how, "inherited", other, "system", "inherited", worker, "report",
                                 children=["worker"])
            self.expect(report, remembers="1", LD_PRELOAD=MARKED)

    def test_list_by_path(self):
        """The absolute path is that of the file, as for `programs`."""
        worker, = self.named("worker")
        self.expect(self.launch("execv", "inherited", worker, "report",
                                children=[str(LAUNCH.resolve())]), remembers="1")
        self.expect(self.launch("execv", "inherited", worker, "report",
                                children=["/usr/bin/worker"]), remembers="0")

    def test_list_does_not_keep_the_first_program_out(self):
        """It need not be in it, and may execute itself."""
        self.expect(self.report(["worker"]), remembers="1", LD_PRELOAD=MARKED)
        self.expect(self.launch("execv", "inherited", children=["worker"]), remembers="0")
        self.expect(self.launch("execv", "inherited", children=["launch"]), remembers="1")

    def test_programs_and_a_list(self):
        """Who is in the list acts when it is executed, whatever `programs` says."""
        top = {"programs": ["launch"]}
        copy = self.folder / "copy"
        shutil.copy(LAUNCH, copy)
        env = {"LD_LIBRARY_PATH": case.PROGRAMS}
        for children, acts in (["copy"], "1"), (["worker"], "0"), (None, "0"):
            self.expect(self.launch("execv", "inherited", copy, "report", children=children,
                                    top=top, env=env), remembers=acts)

    def test_started_on_purpose(self):
        """A program that puts memoshim into LD_PRELOAD itself starts anew."""
        other, = self.named("other")
        script = f"LD_PRELOAD={case.LIBRARY} {other} report"
        self.expect(self.launch("execv", "inherited", "/bin/sh", "-c", script,
                                children=["worker"]), remembers="1")
        script = f"LD_PRELOAD={case.LIBRARY}:$LD_PRELOAD {other} report"
        self.expect(self.launch("execv", "inherited", "/bin/sh", "-c", script,
                                children=["worker"]), remembers="1")

    def test_list_among_others(self):
        own, (one, two) = str(case.LIBRARY), self.others
        for preload, left in ((f"{one}:{own} {two}", f"{one}:{MARKED} {two}"),
                              (f" {own}::{one}", f" {MARKED}::{one}"),
                              (f"{own}:{own}", f"{MARKED}:{MARKED}")):
            self.expect(self.report(["worker"], env={"LD_PRELOAD": preload}), LD_PRELOAD=left)
        env = {"LD_PRELOAD": f"{case.LIBRARY.name}:{one}", "LD_LIBRARY_PATH": case.LIBRARY.parent}
        self.expect(self.report(["worker"], env=env), LD_PRELOAD=f"{MARKED}:{one}", remembers="1")

    # ---- where it does not act ------------------------------------------------------------------

    def test_programs_that_memoshim_does_not_act_in(self):
        self.expect(self.launch("execv", "inherited", children="off", top={"programs": ["x"]}),
                    LD_PRELOAD=str(case.LIBRARY), loaded="1")

    def test_memory_behind_the_environment(self):
        """The auxiliary vector behind it is found by getauxval, and libc and /proc agree:
        the one string that still has the letters is that of the script."""
        config = self.config(counted.functions("square"), children="off")
        script = ("import ctypes, os; libc = ctypes.CDLL(None); "
                  "print(libc.getauxval(6), 'LD_PRELOAD' in os.environ, "
                  "open('/proc/self/environ', 'rb').read().count(b'LD_PRELOAD'))")
        outcome = self.run_with(config, ["/usr/bin/python3", "-c", script],
                                env={"LD_PRELOAD": case.LIBRARY})
        self.assertEqual(outcome.stdout.split(), [b"4096", b"False", b"1"])


if __name__ == "__main__":
    case.main()

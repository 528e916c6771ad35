# SPDX-License-Identifier: MIT
#
#	make            build/pourfs
#	make demo       see it work: installs what is missing, records a video
#	make check      all tests, likewise; SERVER=swift: on OpenStack Swift
#	make install    DESTDIR= PREFIX=/usr/local
#	make deb        a package for this Debian, in build/deb
#	make lint fuzz coverage bench clean
#
# Variants, each in a build directory of its own:
#	make CC=clang
#	make SANITIZE=address,undefined        or SANITIZE=thread
#	make WERROR=1

VERSION = 0.1.0
PREFIX = /usr/local
ZSH_COMPLETIONS = $(PREFIX)/share/zsh/site-functions
CFLAGS = -O2 -g
WERROR =
SANITIZE =

comma := ,
BUILD := build$(if $(filter-out cc gcc,$(CC)),-$(CC))$(if $(SANITIZE),-$(subst $(comma),-,$(SANITIZE)))

FLAGS := -std=gnu11 -D_GNU_SOURCE -DPOURFS_VERSION='"$(VERSION)"' -Wall -Wextra -pthread \
	$(if $(WERROR),-Werror) \
	$(if $(SANITIZE),-fsanitize=$(SANITIZE) -fno-omit-frame-pointer)

# Evaluated when first used: the packages may not be there before tests/setup.
pkg = $(shell pkg-config $(1))
S3_PACKAGES = libcurl libssl libcrypto libxml-2.0 jansson
FS_PACKAGES = fuse3 jansson

# What each layer may see. s3/ and fs/ do not see each other.
FLAGS_base = -Iinclude
FLAGS_s3 = -Iinclude -Is3 $(call pkg,--cflags $(S3_PACKAGES))
FLAGS_fs = -Iinclude -Ifs $(call pkg,--cflags $(FS_PACKAGES))
FLAGS_tests/s3 = -Itests/unit -Iinclude
FLAGS_tests/bench = -Iinclude
FLAGS_tests/unit = -Itests/unit -Iinclude -Is3 -Ifs $(call pkg,--cflags $(S3_PACKAGES) $(FS_PACKAGES))
LIBS = $(call pkg,--libs $(S3_PACKAGES) $(FS_PACKAGES)) -pthread

objects = $(patsubst %.c,$(BUILD)/%.o,$(filter-out fs/main.c,$(wildcard $(1)/*.c)))
ARCHIVES := $(BUILD)/libfs.a $(BUILD)/libs3.a $(BUILD)/libbase.a
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/*_test.c tests/s3/*_test.c))
EXERCISER := $(BUILD)/tests/exerciser/exerciser
MIXED := $(BUILD)/tests/load/mixed
BENCH_TOOLS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/*_fuzz.c))

SCRIPTS = .ci/run completions/pourfs.bash $(shell grep -lrsE '^\#!/bin/(ba)?sh' tests) $(wildcard tests/*.sh)
SOURCES = $(wildcard include/*.h base/*.[ch] s3/*.[ch] fs/*.[ch] tests/unit/*.[ch] tests/s3/*.[ch] tests/exerciser/*.[ch] \
	tests/load/*.[ch] tests/bench/*.[ch] tests/fuzz/*.[ch])
MANUALS = $(wildcard man/*.1 man/*.7)

.PHONY: all archives unit-tests check demo bench lint fuzz coverage install deb clean
.DELETE_ON_ERROR:
.SECONDARY:

all: $(BUILD)/pourfs
archives: $(ARCHIVES)
unit-tests: $(UNIT_TESTS) $(EXERCISER) $(MIXED)

$(BUILD)/pourfs: $(BUILD)/fs/main.o $(ARCHIVES)
	$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/libfs.a: $(call objects,fs)
$(BUILD)/libs3.a: $(call objects,s3)
$(BUILD)/libbase.a: $(call objects,base)
$(ARCHIVES):
	rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(FLAGS_$(patsubst %/,%,$(dir $<))) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/tests/%_test: $(BUILD)/tests/%_test.o $(ARCHIVES)
	$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(EXERCISER): $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/exerciser/*.c))
$(MIXED): $(BUILD)/tests/load/mixed.o
$(EXERCISER) $(MIXED):
	$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^

$(BENCH_TOOLS): %: %.o $(ARCHIVES)
	$(CC) $(FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LIBS)

$(BUILD)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(FLAGS) $(FLAGS_tests/unit) $(CPPFLAGS) $(CFLAGS) -fsanitize=fuzzer -MMD -MP -o $@ $(filter-out %.h,$^) $(LIBS)

-include $(patsubst %,$(BUILD)/%/*.d,base s3 fs tests/unit tests/s3 tests/exerciser tests/load tests/bench tests/fuzz)

# These install what is missing first; only then can anything be built.
check:
	tests/setup build check
	tests/run

demo:
	tests/setup build demo
	+$(MAKE)
	tests/demo

# BENCH: options of tests/bench/bench.py.
bench:
	tests/setup build check bench
	+$(MAKE) all $(BENCH_TOOLS)
	tests/bench/bench.py $(BENCH)

# Each fuzz target for FUZZ_TIME seconds.
FUZZ_TIME = 60
fuzz:
	+$(MAKE) run-fuzzers CC=clang SANITIZE=address CFLAGS="$(CFLAGS) -fsanitize=fuzzer-no-link"

run-fuzzers: $(FUZZERS:=.run)
%_fuzz.run: %_fuzz
	@mkdir -p $(BUILD)/corpus/$(<F)
	$< -max_total_time=$(FUZZ_TIME) -timeout=10 $(BUILD)/corpus/$(<F) tests/fuzz/corpus/$(<F)

# What the unit tests and the corpora reach of s3/, base/ and the pure files of fs/.
coverage:
	tests/setup build check coverage
	+$(MAKE) run-coverage BUILD=build-coverage CC=clang CFLAGS="-O0 -g -fprofile-instr-generate -fcoverage-mapping"

run-coverage: $(UNIT_TESTS) $(FUZZERS)
	@rm -f $(BUILD)/*.profraw
	@for test in $(filter $(BUILD)/tests/unit/%,$(UNIT_TESTS)); do \
		LLVM_PROFILE_FILE=$(BUILD)/%p.profraw $$test >/dev/null || exit 1; \
	done
	@for fuzzer in $(FUZZERS); do \
		LLVM_PROFILE_FILE=$(BUILD)/%p.profraw $$fuzzer -runs=0 \
			tests/fuzz/corpus/$$(basename $$fuzzer) 2>/dev/null || exit 1; \
	done
	llvm-profdata merge -o $(BUILD)/all.profdata $(BUILD)/*.profraw
	llvm-cov report -instr-profile=$(BUILD)/all.profdata \
		$(firstword $(UNIT_TESTS)) $(addprefix -object ,$(wordlist 2,99,$(UNIT_TESTS)) $(FUZZERS)) \
		-show-region-summary=false -show-branch-summary=false \
		$(sort $(wildcard s3/*.c base/*.c) fs/opts.c fs/option.c $(addsuffix .c,$(file <tests/pure)))

lint:
	clang-format --dry-run -Werror $(SOURCES)
	shellcheck $(SCRIPTS)
	$(if $(MANUALS),mandoc -T lint -W warning $(MANUALS))

install: all
	install -D -m 755 $(BUILD)/pourfs $(DESTDIR)$(PREFIX)/bin/pourfs
	$(foreach page,$(MANUALS),install -D -m 644 $(page) \
		$(DESTDIR)$(PREFIX)/share/man/man$(subst .,,$(suffix $(page)))/$(notdir $(page));)
	install -D -m 644 completions/pourfs.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/pourfs
	install -D -m 644 completions/pourfs.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/pourfs.fish
	install -D -m 644 completions/_pourfs $(DESTDIR)$(ZSH_COMPLETIONS)/_pourfs
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/systemd/user
	sed 's|@BINDIR@|$(PREFIX)/bin|' contrib/pourfs@.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/pourfs@.service
	sed 's|@BINDIR@|$(PREFIX)/bin|' contrib/user/pourfs@.service >$(DESTDIR)$(PREFIX)/lib/systemd/user/pourfs@.service

# In a copy, as what is built lands beside the source.
deb:
	tests/setup build deb
	rm -rf build/deb
	mkdir -p build/deb/pourfs
	tar -c --exclude=./.git --exclude='./build*' . | tar -x -C build/deb/pourfs
	cd build/deb/pourfs && dpkg-buildpackage -us -uc -b
	cd build/deb && lintian --fail-on error,warning pourfs_*.deb

clean:
	rm -rf build build-*

# Thin wrappers: the work is done by the scripts in misc/ and demo/.
#
#   make            build/ngx_pimap_module.so and build/pimap-bridge
#   make run        the demo on loopback; PORT= TLS_PORT= IMAP_PORT= DAV_PORT=
#   make mail       a test mail into the running demo; TO= FROM= SUBJECT= BODY=
#   make test       every test; TESTS=t/room/name.t for some, JOBS= in parallel
#   make modes      the tests with held devices only, and with compression
#   make soak       parks and drops SOAK devices (100000); takes minutes
#   make asan       the tests with a module built with ASan and UBSan, and with
#                   hibernation
#   make valgrind   some of the tests under valgrind
#   make torture    minutes of faults under load: is an event lost?  TORTURE
#                   seconds (60) for one Redis, Sentinel, and each of two
#                   kinds of clusters
#   make truth      are the bridge's events true? TRUTH seconds (200) for each
#                   of four kinds of mail servers, and of three DAV servers
#   make mutants    faults that the tests have to see; MUTANTS=ROOM for some
#   make fuzz       the fuzzers, each for FUZZ_TIME seconds, and what they
#                   reached; FUZZ=NAME for some, FUZZ_JOBS= in parallel
#   make bench      the module and other servers compared, 20 minutes
#   make bench-million   a million devices; needs the machine for itself
#   make bench-reload    reloads under load
#   make bench-flood     devices that send nonsense
#   make bench-compress  the cost and the gain of compression
#   make bench-reconnect 100,000 accounts subscribe again
#   make deb        Debian packages for the nginx of this system, in build/deb
#   make style      checks of the style that a program can do
#   make clean

JOBS ?= 4
FUZZ_TIME ?= 60
FUZZ ?=
SOAK ?= 100000
TORTURE ?= 60
TRUTH ?= 200
MUTANT_JOBS ?= 2

# Each test with its time; one that hangs is ended.
PROVE = prove -j$(JOBS) --timer --exec misc/limited

# The tests, those that take long first; and those with these names, which are
# unique, in any room.
every = $(wildcard t/whole/*.t) $(filter-out t/whole/%,$(wildcard t/*/*.t))
named = $(wildcard $(1:%=t/*/%.t))

TESTS ?= $(every) build/unit/*

# Without the tests of other code than the module's, whose programs always have
# the sanitizers (misc/build driver), or that start nginx by a command.
ASAN_TESTS ?= $(filter-out t/clients/% $(call named,*_valkey bridge_cyrus \
              bridge_dav* bridge_imap* check* docs docs_conf dovecot_down \
              dovecot_24* function_cluster* roundcube* run page upgrade*), \
              $(every))

# Without the tests that choose their modes themselves.
MODE_TESTS ?= $(filter-out t/clients/% $(call named,*_valkey \
              alerts bridge* check* cloexec coalesce_* compress_clients \
              compress_gaps departure detach* docker duplex* error_log \
              eviction expired failback filter_size function_cluster* \
              hibernate* http3 linger location* memory_detached missing \
              nameless no_memory origin paced paused ping_stopped pipelined \
              presence prometheus ready redis_odd_ids redis_replica \
              redis_spare resume_lost revoke* rights room sentinel_* \
              settings submit subrequest supersede_* turns unix_socket \
              update_account update_pace warnings websocket* zone_full \
              dovecot* docs* log* run page handover* upgrade*), $(every))

# The tests of the bytes that devices get.
STREAM_TESTS ?= $(call named,coalesce coalesce_live crash detach \
                detach_filters detach_limits drain duplex \
                duplex_handover duplex_hostile events filter format gaps gone \
                handover handover_order handover_slow hibernate \
                hibernate_tls http3 one_connection ping poll poll_wait \
                presence query reload result resume resume_live \
                resume_resync revoke slow smoke submit supersede ticket \
                update_rate websocket \
                websocket_handover websocket_updates)

# The tests of memory that is allocated and freed, for each kind of response.
VALGRIND_TESTS ?= $(call named,smoke events publish publish_format detach \
                  hibernate hibernate_fuzz resume gaps supersede slow \
                  handover duplex websocket_updates poll body_first \
                  coalesce_handover \
                  compress_gaps filter_size follow handover_limits \
                  handover_resume log_readers nameless paced paused pipelined \
                  redis_login redis_spare revoke revoke_deaf revoke_error \
                  revoke_reload rights subrequest subscribed_order \
                  supersede_messages unix_socket update_account bridge \
                  bridge_auth bridge_config bridge_cyrus bridge_dav \
                  bridge_dav_daemon bridge_dav_update bridge_imap_hostile \
                  bridge_imap_reset bridge_imap_update bridge_lease_update \
                  bridge_many bridge_password bridge_redis \
                  bridge_redis_trouble bridge_tls bridge_update \
                  bridge_update_lost bridge_update_waits)

# Warnings are errors there, and in .ci/run.
clang style: export WERROR = 1

export PORT TLS_PORT IMAP_PORT DAV_PORT TO FROM SUBJECT BODY FUZZ_JOBS


MAKEFLAGS += --no-print-directory

# Installs nothing by itself: misc/deps build does, if it is asked.
all:
	@misc/deps --check build
	@misc/build
	@misc/build bridge

run:
	@demo/run

mail:
	@demo/mail

test:
	@misc/deps build run test
	@misc/build
	@misc/build bridge
	@misc/build unit
	@misc/build driver
	@misc/debian13 fetch dovecot
	@misc/debian13 fetch valkey
	@$(PROVE) $(TESTS)

modes:
	@misc/deps build run test
	@misc/build
	@echo '  MODE held'
	@PIMAP_HTTP='pimap_detach off;' $(PROVE) $(MODE_TESTS)
	@echo '  MODE compressed'
	@PIMAP_COMPRESSED=1 $(PROVE) $(STREAM_TESTS)

# For misc/nginx_source.
stream-tests:
	@echo $(STREAM_TESTS)

soak:
	@misc/deps build run test
	@misc/build
	@PIMAP_SOAK=$(SOAK) prove t/whole/memory_detached.t

asan:
	@misc/deps build run test
	@misc/build asan
	@misc/build bridge asan
	@echo '  MODE hibernated'
	@PIMAP_ASAN=1 PIMAP_HTTP='pimap_hibernate on;' \
		$(PROVE) $(filter $(MODE_TESTS),$(ASAN_TESTS))
	@echo '  MODE as the tests have it'
	@PIMAP_ASAN=1 $(PROVE) $(filter-out $(MODE_TESTS),$(ASAN_TESTS))

valgrind:
	@misc/deps build run test
	@misc/build valgrind
	@misc/build bridge
	@misc/build driver plain
	@TEST_LIMIT=3600 PIMAP_VALGRIND=1 $(PROVE) $(VALGRIND_TESTS)

torture:
	@misc/deps build run test
	@misc/build
	@t/whole/torture.pl --seconds $(TORTURE)
	@t/whole/torture.pl --seconds $(TORTURE) --sentinel
	@t/whole/torture.pl --seconds $(TORTURE) --cluster --rate 1000 \
		--accounts 300 --devices 600
	@misc/debian13 fetch valkey
	@PIMAP_REDIS=$(CURDIR)/misc/valkey-server t/whole/torture.pl \
		--seconds $(TORTURE) --cluster --rate 1000 \
		--accounts 300 --devices 600
	@t/whole/torture.pl --sentinel --accounts 3000 --rate 200
	@t/whole/torture.pl --coalesce --seconds 20
	@t/whole/torture.pl --blind --seconds 10

truth:
	@misc/deps build run test
	@misc/build driver
	@PIMAP_TRUTH=$(TRUTH) prove -v t/bridge/bridge_imap_truth.t \
		t/bridge/bridge_dav_truth.t

bench bench-million bench-reload bench-flood bench-reconnect bench-compress:
	@misc/deps build run bench
	@misc/build
	@$(MAKE) -C bench $@

clang:
	@misc/deps build test
	@misc/build clang
	@misc/build bridge clang

fuzz:
	@misc/deps build fuzz
	@misc/build fuzz
	@misc/fuzz $(FUZZ_TIME) $(FUZZ)

mutants:
	@misc/deps build run test
	@misc/debian13 fetch dovecot
	@misc/debian13 fetch valkey
	@misc/mutants -j$(MUTANT_JOBS) $(MUTANTS)

deb:
	@misc/deps build deb
	@misc/deb

style:
	@misc/deps build
	@misc/build
	@misc/build bridge
	@misc/style
	@misc/arrows
	@misc/sentences

clean:
	@rm -rf build


.PHONY: all run mail test modes stream-tests soak asan valgrind torture truth
.PHONY: clang fuzz mutants
.PHONY: bench bench-million bench-reload bench-flood bench-reconnect
.PHONY: bench-compress
.PHONY: deb style clean

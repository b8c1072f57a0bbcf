/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An agent that is an enemy: it holds the helper's socket and tries whatever comes to
 * its mind, for VIGIL_HOSTILE_SECONDS (10 without). In the end other tables are what
 * they were, byte for byte, and the helper serves, as small as before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/helper.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "helper/wire.h"
#include "tests/kernel/harness.h"

enum { LINES_WHOLE = 9 }; /* of lines[]: together they make a table */
enum { ALL_SEALS = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE };

/* Scripts are made of these lines, with changes. */
static const char *const lines[] = {
	"add table inet vigil",
	"flush table inet vigil",
	"add set inet vigil f.bad.4 { type ipv4_addr; flags interval; }",
	"add set inet vigil l.ssh.4 { type ipv4_addr; size 65535; flags "
	"dynamic,timeout; "
	"timeout 1m; }",
	"add set inet vigil s.x.6 { type ipv6_addr; flags interval; }",
	"add counter inet vigil ssh",
	"add chain inet vigil input { type filter hook input priority 0; policy "
	"accept; }",
	"add chain inet vigil nat.pre { type nat hook prerouting priority -100; policy "
	"accept; }",
	"add chain inet vigil in.wan",
	"add rule inet vigil input ip saddr @f.bad.4 counter name \"ssh\" log prefix "
	"\"12 "
	"ban drop\" group 22087 snaplen 128 drop",
	"add rule inet vigil input iifname vmap { \"eth0\" : jump in.wan, \"eth1\" : "
	"drop }",
	"add rule inet vigil in.wan ip saddr . meta l4proto . th dport vmap { "
	"10.0.0.0/24 "
	". 6 . 22-23 : accept }",
	"add rule inet vigil in.wan update @l.ssh.4 { ip saddr limit rate 5/minute "
	"burst 5 "
	"packets } ct mark set ct mark and 0x0000ffff or 0x110000 accept",
	"add rule inet vigil nat.pre tcp dport 8443 dnat ip6 to [2001:db8::5]:443",
	"add rule inet vigil in.wan jump in.wan",
	"delete chain inet vigil in.wan",
	"delete set inet vigil f.bad.4",
	"delete table inet vigil",
};

/* And these are put into them. */
static const char *const poison[] = {
	"; flush ruleset",
	"\nflush ruleset\n",
	"include \"/etc/passwd\"",
	"define x = 1",
	"$x",
	"inet other",
	"ip other",
	"}",
	"{",
	"\"",
	";",
	"example.org",
	"queue",
	"log",
	"@",
	"# x",
	"\\\n",
	"-1",
	"4294967296",
	"flush table inet other",
	"\xff",
	"  ",
	"delete table ip other",
	"* ",
	"jump",
	"set",
	"elements = { 0.0.0.0/0 }",
};

static struct {
	char directory[64], path[96];
	pid_t pid;
	char *others;
	unsigned seed;
	unsigned long tried, applied;
} enemy;

#define ONE_OF(list) (list)[(size_t)random() % ARRAY_SIZE(list)]

static char *list_others(void)
{
	return harness_capture(
		"nft -a list table ip other; nft -a list table inet other");
}

static int start(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const char *seed = getenv("VIGIL_SEED");

	(void)state;
	enemy.seed = seed ? (unsigned)strtoul(seed, NULL, 10) : (unsigned)time(NULL);
	fprintf(stderr, "VIGIL_SEED=%u\n", enemy.seed);
	srandom(enemy.seed);
	harness_must("nft add table ip other; nft add table inet other; "
		     "nft add chain inet other c; nft add rule inet other c drop; "
		     "nft add set ip other s '{ type ipv4_addr; flags interval; }'; "
		     "nft add element ip other s '{ 10.0.0.0/8 }'");
	enemy.others = list_others();
	strcpy(enemy.directory, "/tmp/vigil-enemy-XXXXXX");
	assert_non_null(mkdtemp(enemy.directory));
	harness_must("chmod 755 %s", enemy.directory);
	snprintf(enemy.path, sizeof(enemy.path), "%s/s", enemy.directory);
	strcpy(address.sun_path, enemy.path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 16), 0);
	enemy.pid = harness_helper_on(fd);
	close(fd);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	unlink(enemy.path);
	rmdir(enemy.directory);
	free(enemy.others);
	return harness_end(enemy.pid);
}

static int greet(void)
{
	int fd = helper_connect(enemy.path);

	assert_true(fd >= 0);
	assert_int_equal(helper_hello(fd, NULL), 0);
	return fd;
}

static int make_memfd(const void *data, size_t size_bytes, int seals)
{
	int fd = memfd_create("enemy", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size_bytes), size_bytes);
	fcntl(fd, F_ADD_SEALS, seals);
	return fd;
}

static void change(struct buffer *script)
{
	size_t at = script->size_bytes ? (size_t)random() % script->size_bytes : 0;
	auto_buffer struct buffer changed = BUFFER_NULL;

	switch (random() % 5) {
	case 0: /* one byte */
		script->data[at] = (char)random();
		return;
	case 1: /* one bit */
		script->data[at] ^= (char)(1 << random() % 8);
		return;
	case 2: /* cut off */
		script->size_bytes = at;
		script->data[at] = '\0';
		return;
	default: /* something in between */
		buffer_add(&changed, script->data, at);
		if (random() % 2)
			buffer_text(&changed, " ");
		buffer_text(&changed, ONE_OF(poison));
		if (random() % 2)
			buffer_text(&changed, " ");
		buffer_add(&changed, script->data + at, script->size_bytes - at);
		assert_int_equal(changed.error, 0);
		buffer_done(script);
		*script = changed;
		changed = (struct buffer)BUFFER_NULL;
	}
}

static void try_script(void)
{
	auto_buffer struct buffer script = BUFFER_NULL;
	struct helper_refusal refusal;
	auto_fd int fd = greet();

	for (size_t i = 0; i < LINES_WHOLE && random() % 32; i++)
		buffer_printf(&script, "%s\n", lines[i]);
	for (long i = random() % 10; i >= 0; i--) {
		buffer_text(&script, ONE_OF(lines));
		buffer_text(&script, "\n");
	}
	for (long i = random() % 3; i > 0; i--)
		change(&script);
	if (script.size_bytes)
		enemy.applied += helper_apply_script(fd, script.data, script.size_bytes,
						     &refusal) == 0;
}

static void put_block(struct buffer *blocks)
{
	struct helper_block block = { .op = (uint32_t)random() % 6,
				      .key_bytes = random() % 8 ? 4 : 16,
				      .count = (uint32_t)random() % 4,
				      .set = "f.bad.4" };
	uint8_t keys[8 * 16] = { 0 };

	if (random() % 4 == 0)
		strcpy(block.set,
		       random() % 2 ? "0123456789abcdef0123456789abcdef" : "../other");
	if (random() % 8 == 0)
		block.count = (uint32_t)random();
	for (size_t i = 0; i < sizeof(keys); i += 4)
		keys[i] = (uint8_t)(i + (size_t)random() % 3);
	buffer_add(blocks, &block, sizeof(block));
	buffer_add(blocks, keys,
		   (block.count % 5) * 2 * block.key_bytes % sizeof(keys));
}

static void try_elements(void)
{
	auto_buffer struct buffer blocks = BUFFER_NULL;
	struct helper_refusal refusal;
	auto_fd int fd = greet();

	for (long i = random() % 4; i >= 0; i--)
		put_block(&blocks);
	if (random() % 2)
		blocks.data[(size_t)random() % blocks.size_bytes] = (char)random();
	enemy.applied += helper_apply_elements(fd, blocks.data, blocks.size_bytes, true,
					       &refusal) == 0;
}

/* Packets that are no requests, or nearly, with descriptors of any kind. */
static void try_packet(void)
{
	struct {
		struct helper_request request;
		char more[200];
	} packet = { .request = { (uint32_t)random() % 6, 0, (uint32_t)random() % 9, 0,
				  (uint64_t)random() % 40 } };
	size_t size = random() % 4 ? sizeof(packet.request)
				   : (size_t)random() % sizeof(packet);
	auto_fd int fd = random() % 4 ? greet() : helper_connect(enemy.path);
	auto_fd int memfd = make_memfd("add table inet vigil\n", (size_t)random() % 22,
				       (int)random() & ALL_SEALS);
	auto_fd int file =
		open(random() % 2 ? "/dev/zero" : "/proc/self/exe", O_RDONLY);
	const int fds[] = { random() % 2 ? memfd : file, fd, memfd };

	if (random() % 3 == 0)
		((char *)&packet)[(size_t)random() % sizeof(packet)] = (char)random();
	for (long i = random() % 3; i >= 0; i--)
		wire_send(fd, &packet, size, fds, (size_t)random() % 4);
}

static void try_many_connections(void)
{
	int fds[12];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		fds[i] = helper_connect(enemy.path);
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
}

static void ask_and_leave(void)
{
	struct helper_request request = { HELPER_DUMP, 0, 1 + (uint32_t)random() % 4, 0,
					  0 };
	auto_fd int fd = greet();

	for (long i = random() % 20; i >= 0; i--)
		wire_send(fd, &request, sizeof(request), NULL, 0);
}

static void changes_nothing_but_its_own_table(void **state)
{
	void (*const tricks[])(
		void) = { try_script, try_script,           try_elements,
			  try_packet, try_many_connections, ask_and_leave };
	const char *given = getenv("VIGIL_HOSTILE_SECONDS");
	time_t end = time(NULL) + (given ? atoi(given) : 10);

	(void)state;
	while (time(NULL) < end) {
		ONE_OF(tricks)();
		enemy.tried++;
	}
	fprintf(stderr, "%lu tricks, %lu of them changed the table that is theirs\n",
		enemy.tried, enemy.applied);
	auto_free char *others = list_others();
	assert_string_equal(others, enemy.others);
	close(greet());
	assert_true(enemy.applied > 0 && enemy.applied < enemy.tried);
}

static void leaves_the_helper_as_small_as_it_was(void **state)
{
	(void)state;
	if (!harness_in_userns())
		harness_must("test $(ls /proc/%d/fd | wc -l) -lt 9", (int)enemy.pid);
	harness_must("grep -q asan /proc/%d/maps || "
		     "test $(cut -d' ' -f2 /proc/%d/statm) -lt 1280",
		     (int)enemy.pid, (int)enemy.pid);
	harness_must("nft list tables | sort | grep -v 'inet vigil' | tr '\\n' ' ' | "
		     "grep -qx 'table inet other table ip other '");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_nothing_but_its_own_table),
		cmocka_unit_test(leaves_the_helper_as_small_as_it_was),
	};

	harness_enter();
	return cmocka_run_group_tests(tests, start, stop);
}

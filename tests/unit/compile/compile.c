/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The compiler as a whole: which rules of the kernel a policy becomes. */
#include "tests/unit/compile/compiled.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define ZONES "version: 1\nzones: { wan: eth0, lan: [eth1, \"br-*\"] }\n"

static void sends_each_zone_to_its_list(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, ZONES);
	assert_rule(&it, "input iifname vmap { \"eth0\" : goto in.wan, \"eth1\" : goto "
			 "in.lan }");
	assert_rule(&it, "input iifname \"br-*\" goto in.lan");
	assert_rule(&it, "input goto in.-");
	assert_rule(&it, "fwd.wan oifname \"br-*\" goto fwd.wan.TO.lan");
	assert_rule(&it, "output goto out.-");
}

static void puts_any_into_all_lists(void **state)
{
	static const char *const chains[] = { "in.wan", "in.lan", "in.-" };
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, ZONES "rules:\n"
				 "  - { id: x, from: any, to: host, allow: ssh }\n"
				 "  - { id: y, from: lan, to: host, drop: all }\n");
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++)
		assert_int_equal(compiled_count(&it, chains[i]), i == 1 ? 3 : 2);
}

static void ends_each_list_with_its_default(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, "version: 1\ndefaults: { input: reject, output: drop, "
			   "forward: allow }\n");
	assert_rule(&it, "in.- goto r.1");
	assert_rule(&it, "r.1 counter name \"n.default.input\" log prefix \"1 "
			 "default.input reject\" group 22087 snaplen 128 goto "
			 "rejected");
	assert_rule(&it, "r.3 counter name \"n.default.forward\" goto allowed");
	assert_rule(&it, "r.2 counter name \"n.default.output\" log prefix \"2 "
			 "default.output drop\" group 22087 snaplen 128 drop");
}

static void numbers_deciders_by_zone(void **state)
{
	auto_compiled struct compiled it = { 0 };
	size_t found = 0;

	(void)state;
	compiled_make(&it,
		      ZONES "rules: [ { id: x, from: any, to: host, allow: ssh } ]\n");
	for (size_t i = 0; i < it.image->decider_count; i++) {
		const struct image_decider *decider = &it.image->deciders[i];
		const struct decider *known =
			numbering_find(it.numbering, decider->number);

		assert_non_null(known);
		assert_string_equal(known->id, decider->id);
		assert_string_equal(known->from_zone, decider->from_zone);
		if (strcmp(decider->id, "x") == 0) {
			assert_int_equal(decider->line, 3);
			found++;
		}
	}
	assert_int_equal(found, 3);
}

/* A mask of eight bits has room for 255 numbers. */
static void goes_without_zones_where_the_mark_is_narrow(void **state)
{
	auto_compiled struct compiled it = { 0 };
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, ZONES "flows: { mark: 0xff0000 }\nrules:\n");
	for (int i = 0; i < 100; i++)
		buffer_printf(&text,
			      "  - { id: x%d, from: %s, to: host, allow: {tcp: %d} }\n",
			      i, i % 2 ? "any" : "[wan, lan]", i + 1);
	compiled_make(&it, text.data);
	for (size_t i = 0; i < it.image->decider_count; i++) {
		const struct image_decider *decider = &it.image->deciders[i];
		bool named = strcmp(decider->id, "x2") == 0;

		assert_true(decider->number <= 255);
		assert_int_equal(
			*decider->from_zone != '\0',
			named || (decider->id[0] == 'x' &&
				  (decider->id[strlen(decider->id) - 1] - '0') % 2 ==
					  0));
	}
	for (int i = 100; i < 200; i++)
		buffer_printf(&text,
			      "  - { id: x%d, from: [wan, lan], to: host, allow: {tcp: "
			      "%d} }\n",
			      i, i + 1);
	compiled_make(&it, text.data);
	for (size_t i = 0; i < it.image->decider_count; i++)
		assert_string_equal(it.image->deciders[i].from_zone, "");
	for (int i = 200; i < 300; i++)
		buffer_printf(
			&text,
			"  - { id: x%d, from: wan, to: host, allow: {tcp: %d} }\n", i,
			i + 1);
	assert_int_equal(compiled_try(&it, text.data), -EINVAL);
	assert_int_equal(it.faults.count, 1);
	assert_non_null(strstr(it.faults.list[0].text, "0x00ff0000"));
}

static void shares_equal_lists(void **state)
{
	auto_compiled struct compiled it = { 0 };
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	/* Without room for zones in the mark, all that differs is lan. */
	buffer_text(&text, ZONES "flows: { mark: 0xff000000 }\nrules:\n"
				 "  - { id: a, from: lan, to: host, allow: dns }\n");
	for (int i = 0; i < 100; i++)
		buffer_printf(
			&text,
			"  - { id: x%d, from: any, to: host, allow: {tcp: %d} }\n", i,
			i + 1);
	compiled_make(&it, text.data);
	assert_rule(&it, "input iifname vmap { \"eth0\" : goto in.wan, \"eth1\" : goto "
			 "in.lan }");
	assert_rule(&it, "input goto in.wan");
	assert_int_equal(compiled_count(&it, "in.-"), 0);
}

static void refuses_what_unfolds_without_end(void **state)
{
	auto_compiled struct compiled it = { 0 };
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, "version: 1\nzones:\n");
	for (int i = 0; i < 200; i++)
		buffer_printf(&text, "  z%d: d%d\n", i, i);
	buffer_text(&text, "defaults: { input: allow }\nrules:\n");
	for (int i = 0; i < 40; i++)
		buffer_printf(&text,
			      "  - { id: x%d, from: any, to: any, allow: {tcp: "
			      "%d} }\n",
			      i, i + 1);
	assert_int_equal(compiled_try(&it, text.data), -EINVAL);
	assert_non_null(strstr(it.faults.list[0].text, "1000000"));
}

static void logs_what_is_denied_or_asked_for(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, ZONES
		      "flows: { denied: false }\nrules:\n"
		      "  - { id: a, from: lan, to: host, allow: ssh }\n"
		      "  - { id: b, from: lan, to: host, allow: dns, log: true }\n"
		      "  - { id: c, from: lan, to: host, drop: http }\n"
		      "  - { id: d, from: lan, to: host, drop: https, log: true }\n");
	assert_rule(&it, "r.1 counter name \"n.a\" goto allowed");
	assert_rule(&it, "r.2 counter name \"n.b\" log prefix \"2 b allow\" group "
			 "22087 snaplen 128 goto allowed");
	assert_rule(&it, "r.3 counter name \"n.c\" drop");
	assert_rule(&it, "r.4 counter name \"n.d\" log prefix \"4 d drop\" group 22087 "
			 "snaplen 128 drop");
}

static void marks_within_the_mask(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, ZONES "flows: { mark: 0x0000fff0 }\nrules: [ { id: a, from: "
				 "lan, to: host, allow: ssh } ]\n");
	assert_rule(&it, "r.1 ct mark set ct mark and 0xffff000f or 0x00000010");
	compiled_make(&it, ZONES "flows: { mark: 0xffffffff }\nrules: [ { id: a, from: "
				 "lan, to: host, allow: ssh } ]\n");
	assert_rule(&it, "r.1 ct mark set 0x00000001");
}

static void drops_what_is_over_a_limit(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, ZONES
		      "rules:\n  - { id: a, from: any, to: host, allow: ssh, limit: { "
		      "rate: 6/minute, burst: 12 }, connections: { max: 3 } }\n");
	assert_rule(&it, "r.1 update @l.a.6-60-12.4 { ip saddr limit rate 6/minute "
			 "burst 12 packets } goto r.1.connections");
	assert_rule(&it, "r.1.connections add @c.a.3.6 { ip6 saddr & "
			 "ffff:ffff:ffff:ffff:: ct count 3 } goto r.1.accept");
	assert_rule(&it, "r.1 counter name \"n.a.over\" log prefix \"1 a drop\" group "
			 "22087 snaplen 128 drop");
	assert_int_equal(it.image->dynamic_sets.count, 4);
	/* Twelve tokens take two minutes. */
	assert_string_equal(it.image->dynamic_sets.items[2].declaration,
			    "add set inet vigil l.a.6-60-12.4 { type ipv4_addr; size "
			    "65535; flags dynamic,timeout; timeout 121s; }\n");
}

static void bans_before_all_but_loopback(void **state)
{
	static const char *const ranges[] = { "10.0.0.0/8", NULL };
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_feed(&it, 0, ranges);
	compiled_make(&it, ZONES "feeds: { bad: { file: x } }\n"
				 "ban: [bad, 192.0.2.1]\n");
	assert_rule(&it, "ban.in iifname \"lo\" accept");
	assert_rule(&it, "ban.in ip saddr 192.0.2.1 goto r.16");
	assert_rule(&it, "ban.in ip daddr @f.bad.4.0 goto r.16");
	assert_rule(&it, "ban.out ip6 daddr @f.bad.6.0 goto r.17");
	assert_no_rule(&it, "ban.out ip6 saddr @f.bad.6.0 goto r.17");
	assert_int_equal(it.image->set_count, 2);
	assert_true(it.image->sets[0].feed);
	assert_ptr_equal(it.image->sets[0].addresses, &it.feeds[0]);
}

static void makes_sets_of_long_lists(void **state)
{
	auto_compiled struct compiled it = { 0 };
	auto_buffer struct buffer text = BUFFER_NULL;

	(void)state;
	buffer_text(&text, ZONES "groups:\n  g: [");
	for (int i = 0; i < 17; i++)
		buffer_printf(&text, "10.0.0.%d, ", i * 2);
	buffer_text(&text, "]\nrules:\n"
			   "  - { id: a, from: { group: g }, to: host, drop: all }\n"
			   "  - { id: b, from: host, to: { group: g }, drop: all }\n");
	compiled_make(&it, text.data);
	/* One set for both. */
	assert_int_equal(it.image->set_count, 1);
	assert_int_equal(strlen(it.image->sets[0].name), strlen("s..4") + 32);
	assert_int_equal(it.image->sets[0].addresses->count4, 17);
	it.static_generation = 7;
	compiled_make(&it, text.data);
	assert_non_null(strstr(it.image->sets[0].name, ".4.7"));
}

static void is_pure(void **state)
{
	static const char policy[] =
		ZONES "rules:\n"
		      "  - { id: a, from: any, to: host, allow: ssh }\n"
		      "  - { id: b, from: lan, to: wan, allow: all }\n";
	auto_compiled struct compiled one = { 0 }, two = { 0 };

	(void)state;
	compiled_make(&one, policy);
	compiled_make(&two, policy);
	assert_string_equal(one.image->rules, two.image->rules);
	assert_string_equal(one.image->tag, two.image->tag);
	/* Numbers given once stay. */
	compiled_make(&two, ZONES "rules: [ { id: z, from: lan, to: wan, drop: all } "
				  "]\n");
	assert_string_not_equal(one.image->tag, two.image->tag);
	compiled_make(&two, policy);
	assert_string_equal(one.image->rules, two.image->rules);
}

static void tells_contents_by_the_tag(void **state)
{
	static const char policy[] = ZONES "feeds: { bad: { file: x } }\nban: bad\n";
	static const char *const one[] = { "10.0.0.1", NULL };
	static const char *const two[] = { "10.0.0.2", NULL };
	auto_compiled struct compiled it = { 0 };
	char tag[33], script_tag[33];

	(void)state;
	compiled_feed(&it, 0, one);
	compiled_make(&it, policy);
	strcpy(tag, it.image->tag);
	strcpy(script_tag, it.image->script_tag);
	compiled_feed(&it, 0, two);
	compiled_make(&it, policy);
	assert_string_not_equal(it.image->tag, tag);
	assert_string_equal(it.image->script_tag, script_tag);
	it.generations[0] = 1;
	compiled_make(&it, policy);
	assert_string_not_equal(it.image->script_tag, script_tag);
}

static void write_rule(struct buffer *text, int i, bool by_source)
{
	if (by_source)
		buffer_printf(
			text,
			"  - { id: x%d, from: { zone: wan, address: 10.0.%d.%d }, "
			"to: host, allow: all }\n",
			i, i / 256, i % 256);
	else
		buffer_printf(text,
			      "  - { id: x%d, from: wan, to: host, drop: {tcp: %d} }\n",
			      i, i + 1);
}

/* The time that compiling alone takes, and how many rules a packet meets. */
static void stays_flat_with_ten_thousand_rules(void **state)
{
	(void)state;
	for (int by_source = 0; by_source < 2; by_source++) {
		auto_compiled struct compiled it = { 0 };
		auto_buffer struct buffer text = BUFFER_NULL;

		buffer_text(&text, ZONES "rules:\n");
		for (int i = 0; i < 10000; i++)
			write_rule(&text, i, by_source);
		compiled_make(&it, text.data);
		assert_int_equal(compiled_count(&it, "in.wan"), 2);
		it.plain = true;
		compiled_make(&it, text.data);
		assert_int_equal(compiled_count(&it, "in.wan"), 10001);
	}
}

static void translates_through_patterns(void **state)
{
	auto_compiled struct compiled it = { 0 };

	(void)state;
	compiled_make(&it, "version: 1\n"
			   "zones: { wan: eth0, lan: \"br-*\", guest: br-guest }\n"
			   "nat:\n"
			   "  - masquerade: { from: lan, to: wan }\n");
	/* br-guest is not of lan. */
	assert_rule(&it, "nat.post iifname vmap { \"br-guest\" : goto allowed }");
	assert_rule(&it, "nat.post iifname \"br-*\" goto masq.lan");
	assert_rule(&it, "masq.lan oifname vmap { \"eth0\" : goto masq.lan.TO.wan }");
	assert_rule(&it, "masq.lan.TO.wan meta nfproto 2 counter name "
			 "\"n.masquerade.1\" masquerade");
}

static void gives_long_zones_short_chains(void **state)
{
	auto_compiled struct compiled it = { 0 };
	auto_buffer struct buffer text = BUFFER_NULL;
	char a[64] = "", b[64] = "";

	(void)state;
	memset(a, 'a', 63);
	memset(b, 'b', 63);
	buffer_printf(&text, "version: 1\nzones: { %s: eth0, %s: eth1 }\n", a, b);
	compiled_make(&it, text.data);
	for (size_t i = 0; i < it.image->chains.count; i++)
		assert_true(strlen(it.image->chains.items[i].name) < 128);
	assert_int_equal(compiled_count(&it, "fwd.NUMBER.0.TO.1"), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sends_each_zone_to_its_list),
		cmocka_unit_test(puts_any_into_all_lists),
		cmocka_unit_test(ends_each_list_with_its_default),
		cmocka_unit_test(numbers_deciders_by_zone),
		cmocka_unit_test(goes_without_zones_where_the_mark_is_narrow),
		cmocka_unit_test(shares_equal_lists),
		cmocka_unit_test(refuses_what_unfolds_without_end),
		cmocka_unit_test(logs_what_is_denied_or_asked_for),
		cmocka_unit_test(marks_within_the_mask),
		cmocka_unit_test(drops_what_is_over_a_limit),
		cmocka_unit_test(bans_before_all_but_loopback),
		cmocka_unit_test(makes_sets_of_long_lists),
		cmocka_unit_test(is_pure),
		cmocka_unit_test(tells_contents_by_the_tag),
		cmocka_unit_test(stays_flat_with_ten_thousand_rules),
		cmocka_unit_test(translates_through_patterns),
		cmocka_unit_test(gives_long_zones_short_chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ports as the IANA registry of service names has them, or as the program's own manual
 * does where the registry is silent. */
#include "policy/services.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* clang-format off */
#define TCP(first, last) { IPPROTO_TCP, { first, last } }
#define UDP(first, last) { IPPROTO_UDP, { first, last } }
#define ICMP4(type) { IPPROTO_ICMP, { type, type } }
#define ICMP6(type) { IPPROTO_ICMPV6, { type, type } }
#define PROTOCOL(number) { number, { 0, 0 } }

/* By name. */
static const struct builtin_service services[] = {
	{ "amqp", { TCP(5672, 5672) } },
	{ "amqps", { TCP(5671, 5671) } },
	{ "bfd", { UDP(3784, 3784) } },
	{ "bgp", { TCP(179, 179) } },
	{ "bittorrent", { TCP(6881, 6889), UDP(6881, 6881) } },
	{ "consul", { TCP(8500, 8500) } },
	{ "dhcp-client", { UDP(68, 68) } },
	{ "dhcp-server", { UDP(67, 67) } },
	{ "dhcpv6-client", { UDP(546, 546) } },
	{ "dhcpv6-server", { UDP(547, 547) } },
	{ "dns", { TCP(53, 53), UDP(53, 53) } },
	{ "dns-over-tls", { TCP(853, 853) } },
	{ "elasticsearch", { TCP(9200, 9200) } },
	{ "etcd", { TCP(2379, 2380) } },
	{ "ftp", { TCP(21, 21) } },
	{ "git", { TCP(9418, 9418) } },
	{ "http", { TCP(80, 80) } },
	{ "http3", { UDP(443, 443) } },
	{ "https", { TCP(443, 443) } },
	{ "imap", { TCP(143, 143) } },
	{ "imaps", { TCP(993, 993) } },
	{ "ipp", { TCP(631, 631) } },
	{ "ipsec", { UDP(500, 500), UDP(4500, 4500), PROTOCOL(IPPROTO_ESP) } },
	{ "irc", { TCP(6667, 6667) } },
	{ "ircs", { TCP(6697, 6697) } },
	{ "kafka", { TCP(9092, 9092) } },
	{ "kerberos", { TCP(88, 88), UDP(88, 88) } },
	{ "kpasswd", { TCP(464, 464), UDP(464, 464) } },
	{ "kubelet", { TCP(10250, 10250) } },
	{ "kubernetes-api", { TCP(6443, 6443) } },
	{ "ldap", { TCP(389, 389), UDP(389, 389) } },
	{ "ldaps", { TCP(636, 636) } },
	{ "llmnr", { TCP(5355, 5355), UDP(5355, 5355) } },
	{ "mdns", { UDP(5353, 5353) } },
	{ "memcached", { TCP(11211, 11211) } },
	{ "minecraft", { TCP(25565, 25565) } },
	{ "mongodb", { TCP(27017, 27017) } },
	{ "mqtt", { TCP(1883, 1883) } },
	{ "mqtts", { TCP(8883, 8883) } },
	{ "mssql", { TCP(1433, 1433) } },
	{ "mysql", { TCP(3306, 3306) } },
	{ "nat-pmp", { UDP(5351, 5351) } },
	{ "netbios", { UDP(137, 138), TCP(139, 139) } },
	{ "nfs", { TCP(2049, 2049) } },
	{ "node-exporter", { TCP(9100, 9100) } },
	{ "nrpe", { TCP(5666, 5666) } },
	{ "ntp", { UDP(123, 123) } },
	{ "nts", { TCP(4460, 4460) } },
	{ "nut", { TCP(3493, 3493) } },
	{ "openvpn", { TCP(1194, 1194), UDP(1194, 1194) } },
	{ "ospf", { PROTOCOL(89) } },
	{ "ping", { ICMP4(8), ICMP6(128) } },
	{ "pop3", { TCP(110, 110) } },
	{ "pop3s", { TCP(995, 995) } },
	{ "postgresql", { TCP(5432, 5432) } },
	{ "prometheus", { TCP(9090, 9090) } },
	{ "puppet", { TCP(8140, 8140) } },
	{ "radius", { UDP(1812, 1813) } },
	{ "rdp", { TCP(3389, 3389), UDP(3389, 3389) } },
	{ "redis", { TCP(6379, 6379) } },
	{ "rpcbind", { TCP(111, 111), UDP(111, 111) } },
	{ "rsync", { TCP(873, 873) } },
	{ "rtmp", { TCP(1935, 1935) } },
	{ "rtsp", { TCP(554, 554) } },
	{ "sip", { TCP(5060, 5060), UDP(5060, 5060) } },
	{ "sips", { TCP(5061, 5061) } },
	{ "smb", { TCP(445, 445) } },
	{ "smtp", { TCP(25, 25) } },
	{ "smtps", { TCP(465, 465) } },
	{ "snmp", { UDP(161, 161) } },
	{ "snmp-trap", { UDP(162, 162) } },
	{ "ssdp", { UDP(1900, 1900) } },
	{ "ssh", { TCP(22, 22) } },
	{ "stun", { TCP(3478, 3478), UDP(3478, 3478) } },
	{ "submission", { TCP(587, 587) } },
	{ "svn", { TCP(3690, 3690) } },
	{ "syncthing", { TCP(22000, 22000), UDP(22000, 22000) } },
	{ "syslog", { UDP(514, 514) } },
	{ "syslog-tls", { TCP(6514, 6514) } },
	{ "tailscale", { UDP(41641, 41641) } },
	{ "tftp", { UDP(69, 69) } },
	{ "traceroute", { UDP(33434, 33534) } },
	{ "vnc", { TCP(5900, 5900) } },
	{ "vrrp", { PROTOCOL(112) } },
	{ "vxlan", { UDP(4789, 4789) } },
	{ "wireguard", { UDP(51820, 51820) } },
	{ "wsdd", { TCP(5357, 5357), UDP(3702, 3702) } },
	{ "xmpp-client", { TCP(5222, 5222) } },
	{ "xmpp-server", { TCP(5269, 5269) } },
	{ "zabbix-agent", { TCP(10050, 10050) } },
	{ "zabbix-server", { TCP(10051, 10051) } },
};
/* clang-format on */

static int compare(const void *name, const void *service)
{
	return strcmp(name, ((const struct builtin_service *)service)->name);
}

const struct builtin_service *builtin_service_find(const char *name)
{
	return bsearch(name, services, ARRAY_SIZE(services), sizeof(services[0]),
		       compare);
}

const struct builtin_service *builtin_service_at(size_t index)
{
	return index < ARRAY_SIZE(services) ? &services[index] : NULL;
}

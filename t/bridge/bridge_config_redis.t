#!/usr/bin/perl

# The address of Redis in the bridge's settings: one server, sentinels, or a
# cluster.  An error names the line, and shows nothing of a password.  What can
# be known only from the server is in the log, with the remedy.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::RedisCluster;

my $server = 'servers = ( { host = "127.0.0.1"; tls = "off" } );';

my @good = (
    'address = "redis://h"', 'address = "rediss://u:geheim@[::1]:1/2"',
    'address = "unix:/run/redis.sock"', 'address = "redis://u@h"; '
        . 'password = "geheim"',
    'address = "sentinel://a,b:1/main/3"; sentinel_password = "geheim"',
    'address = "sentinels://a/main"; sentinel_user = "u"; '
        . 'sentinel_password = "geheim"',
    'address = "cluster://a,b:7000"', 'address = "clusters://u:geheim@a"',
    'host = "/run/redis.sock"', 'host = "::1"; port = 1; db = 2',
);

my @mistakes = (
    ['address = "127.0.0.1:6379"', qr{"address" of redis must be redis://}],
    ['address = "redis://u:geheim@"', qr/"address" of redis has no host/],
    ['address = "redis://:geheim@h:0"', qr/has an invalid port/],
    ['address = "redis://:geheim@h/x"', qr/has an invalid database/],
    ['address = "redis://u:geheim%@h"', qr/an invalid user or password/],
    ['address = "redis://a,b"', qr/has several hosts/],
    ['address = "sentinel://a"', qr/has no name of a master/],
    ['address = "sentinel://a,/m"', qr/has a sentinel without a host/],
    ['address = "cluster://a,,b"', qr/has a node without a host/],
    ['address = "cluster://a/1"', qr/a cluster has one database only/],
    ['address = "unix:redis.sock"', qr/an absolute path/],
    ['address = "redis://h"; host = "h"', qr/"address" .* leave out "host"/],
    ['address = "redis://h"; db = 1', qr/leave out "host"/],
    ['address = "redis://h"; tls = true', qr/leave out "host"/],
    ['address = "redis://u:geheim@h"; password = "geheim"',
        qr/"address" of redis has a login, and .* write it once/],
    ['address = "redis://u@h"', qr/"user" of redis needs "password"/],
    ['address = "sentinel://a/m"; sentinel_user = "u"',
        qr/"sentinel_user" of redis needs "sentinel_password"/],
    ['address = "cluster://a"; sentinel_password = "geheim"',
        qr{"sentinel_password" of redis needs an "address" with sentinel}],
    ['address = 1', qr/"address" must be a text in quotes/],
);

my $t = Pimap->new();
my $redis = $t->redis(port => 1);
my $cluster = Pimap::RedisCluster->new(t => $t, masters => 2, replicas => 0,
    password => 'for-redis');

$t->plan(@good + @mistakes + 10);

my $bridge = Pimap::Bridge->new(t => $t);

for (@good, @mistakes) {
    my ($text, $re) = ref($_) ? @$_ : $_;

    $t->write_file($bridge->file(), "# a line\n\nredis = { $text };\n$server");

    my ($ok, $output) = $bridge->check();

    ok($re ? !$ok && $output =~ /\[emerg\].*$re.* in \S+:3$/m
        && $output !~ /geheim/ : $ok, $text) or diag($output);
}

# Servers that do not fit the address

$redis->start();
$cluster->start();

my $at = '127.0.0.1:' . $t->port('redis');
my ($other) = grep { !$_->owns($cluster->slot_of_key('pimap:bridges')) }
    $cluster->masters();
my $node = $other->endpoint();

sub line {
    my ($text, $re, $name) = @_;

    $bridge->{redis} = "$text timeout = \"1s\";";
    $bridge->{process} ? $bridge->reload() : $bridge->start();
    ok($t->wait_for(sub { $bridge->log() =~ $re }, $re), $name);
    ok(!$bridge->healthy(), '    and the bridge is not healthy');
}

line("address = \"cluster://$at\";", qr/it is no cluster, set "address"/,
    'one Redis as a cluster: a line with the remedy');
line("address = \"redis://:for-redis\@$node\";",
    qr/it is a node of a cluster, set "address"/,
    'a node as one Redis: a line with the remedy');
line("address = \"cluster://$node\";", qr/NOAUTH .*, set "password"/,
    'no password: a line with the remedy');
line("address = \"cluster://:another-one\@$node\";",
    qr/WRONGPASS, check "user" and "password"/,
    'another password: a line with the remedy');

$bridge->{redis} = "address = \"cluster://:for-redis\@$node\";";
$bridge->reload();
ok($bridge->wait_healthy()->healthy(), 'SIGHUP with the right one: healthy');
is(scalar(() = $bridge->log() =~ /for-redis|another-one/g), 0,
    'no log has a password');

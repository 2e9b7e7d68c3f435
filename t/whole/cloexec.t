#!/usr/bin/perl

# A program that a worker or the bridge might execute inherits none of their
# descriptors.  Only the next binary of nginx gets the hand-over sockets, from
# the master (t/handover/upgrade.t).

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Dav;
use Pimap::Dovecot;

my $t = Pimap->new();

$t->plan(13);

my $bridge = Pimap::Bridge->new(t => $t, sessions => 'linger = "60s";');
my $dav = Pimap::Dav->new(t => $t)->start();
my $redis = $t->redis(port => 1);

$bridge->{server} = 'dav = { url = "' . $dav->url() . '"; };';
$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $t->port('redis')
    . '; pimap_presence on;';
$t->run();
$t->wait_ready();

Pimap::Dovecot->new(t => $t, driver => 'none')->start();
$dav->make('/alice/book/', 'addressbook', 'Friends');


# A worker that has received a device.

my $s = $t->park('alice', query => 'device=phone');
$s->read_until(qr/: parked\n.*\n\n/);

ok($t->nginx()->reload(), 'a reload');
ok($t->wait_for(sub { $t->status()->{handover}{received} == 1 }),
    'the worker has received a device');

my ($worker) = $t->workers();
my %of = descriptors($worker);

for (
    ['the memory of the hand-over', 1, qr/^memfd:pimap/],
    ['the hand-over sockets', 2, qr/^unix 0005/],
    ['its connections to Redis', 2, qr/^tcp \d+ to @{[ $t->port('redis') ]}$/],
    ['the device', 1, qr/^tcp @{[ $t->port('http') ]} to [1-9]/],
) {
    my ($name, $n, $is) = @$_;
    my @found = grep { $_ =~ $is } keys(%of);

    cmp_ok(scalar(map { @{ $of{$_} } } @found), '>=', $n, "$name: is there");
    is(join(' ', grep { /-/ } map { @{ $of{$_} } } @found), '',
        "$name: is not inherited");
}


# The bridge with all its connections.

$bridge->start();
is($bridge->auth('alice', 'secret'), 'alice', 'a login');
$t->wait_for(sub { $bridge->log() =~ /watching contacts/ }, 'the session');

%of = descriptors($bridge->pid());
is(join("\n", map { my $what = $_; map { "$_ $what" } grep { /-/ }
    @{ $of{$what} } } grep { /^tcp|\.log$/ } keys(%of)), '',
    'the bridge: no connection, and no log, is inherited');

# (libcurl has a pair of its own.)
cmp_ok(scalar(grep { /-/ } map { @{ $of{$_} } } grep { /^unix/ } keys(%of)),
    '<=', 2, 'the bridge: no connection to Redis is inherited');


# What a process has open: "fd" or "fd-" if it is inherited, by what it is.

sub descriptors {
    my ($pid) = @_;

    my (%socket, %of);

    for my $line (split(/\n/, $t->read_file('/proc/net/tcp'))) {
        my ($from, $to, $inode) = $line =~ /^\s*\d+:\s\w+:(\w+)\s
            \w+:(\w+)(?:\s+\S+){6}\s+(\d+)/x or next;

        $socket{$inode} = 'tcp ' . hex($from) . ' to ' . hex($to);
    }

    for my $line (split(/\n/, $t->read_file('/proc/net/unix'))) {
        my ($type, $inode) = $line =~ /^\w+: \w+ \w+ \w+ (\w+) \w+ +(\d+)/
            or next;
        $socket{$inode} = "unix $type";
    }

    for my $path (glob("/proc/$pid/fd/*")) {
        my ($fd) = $path =~ /(\d+)$/;
        my $what = readlink($path) // next;
        my ($flags) = $t->read_file("/proc/$pid/fdinfo/$fd")
            =~ /^flags:\s+(\d+)/m;

        $what = $socket{$1} // $what if $what =~ /^socket:\[(\d+)\]/;
        $what =~ s{^/(?=memfd)}{};
        push(@{ $of{$what} }, $fd . (oct($flags) & 02_000_000 ? '' : '-'));
    }

    return %of;
}

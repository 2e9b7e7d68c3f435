#!/usr/bin/perl

# 4,000 devices stay through five reloads with other numbers of workers, and
# get each event once and in order while 1,000 a second are published.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib qw(lib ../bench);
use Bench::Load;
use Pimap;

use constant { ACCOUNTS => $ENV{PIMAP_ASAN} ? 500 : 2000, RATE => 1000,
    SECONDS => $ENV{PIMAP_ASAN} ? 30 : 10, READ => 20 };

my $t = Pimap->new(workers => 2, log => 'notice', connections => 16_000,
    mode => 'pimap_hibernate on;', http => 'pimap_max_devices_per_ip 0;',
    main => 'worker_rlimit_nofile 18000;');
my $redis = $t->redis();

$t->plan(7 + 2 * 2 + READ);
is(system('make', '-s', '-C', $t->root() . '/bench'), 0, 'clients are built');
$t->run();
$t->wait_ready();

my $dir = $t->dir();
my %load = map { $_ => Bench::Load->park("$_://127.0.0.1:" . $t->port($_)
    . '/events?account=account-%a&device=d-' . $_, ACCOUNTS, '-b',
    "$dir/board.$_", '-k', 100) } qw(http https);

# These are read whole, the others are counted.

my @read = map { $t->park("account-$_",
    transport => $_ % 2 ? 'http' : 'https', query => 'device=r') } 1 .. READ;

$_->read_until(qr/: parked\n\n/) for @read;

my $all = 2 * ACCOUNTS + READ;

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} + $d->{hibernated} == $all }, 'all of them'), 'parked');

my $publisher = $t->start(name => 'publisher', output => "$dir/publisher.out",
    command => [$t->root() . '/build/bench/publish', '-R', $redis->socket(),
        '-f', '-a', ACCOUNTS, '-n', RATE * SECONDS, '-r', RATE, '-l',
        "$dir/accounts"]);

for my $workers (4, 1, 3, 2, 2) {
    my @old = $t->workers();

    $t->nginx()->{workers} = $workers;
    $t->reload();
    $t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old ones');
}

ok($publisher->running(), 'all of that was while it published');
$t->wait_for(sub { !$publisher->running() }, 'the publisher', 30);

my %expected;

$expected{$_}++ for split(/\n/, $t->read_file("$dir/accounts"));

for my $kind (sort(keys(%load))) {
    my $load = $load{$kind};

    $t->wait_for(sub { $load->stats()->{events} >= RATE * SECONDS }, 'events');
    is($load->stats()->{closed}, 0, "$kind: none was closed");
    $load->dump("$dir/devices.$kind");

    my %got = map { (split)[0, 1] }
        split(/\n/, $t->read_file("$dir/devices.$kind"));

    is_deeply(\%got, \%expected, "$kind: each one got all of its events");
}

for my $i (1 .. READ) {
    my $n = $expected{$i} // 0;
    my @ids = map { ($_->{id} // '') =~ /-(\d+)$/ } $read[$i - 1]->events($n);

    is("@ids", join(' ', 1 .. $n), "account-$i: once and in order");
}

my $status = $t->status();

is($status->{taken}, 5 * $all, 'all were handed over, each time');
is($status->{connects}, $all, 'none has connected again');
is($status->{parked}, $all, 'all are counted');

my @share = sort { $a <=> $b } map { $_->{devices} } @{ $status->{workers} };

cmp_ok($share[1] - $share[0], '<', $all / 10, "spread evenly: @share");

#!/usr/bin/perl

# 4,000 devices stay parked through five reloads with changing numbers of
# workers.  They get each event once, at 1,000 events a second, with a log and
# without; events of the log come in order.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Crowd;

use constant READ => 20;

my $t = Pimap->new(workers => 2, log => 'notice', connections => 16_000,
    mode => 'pimap_hibernate on;', main => 'worker_rlimit_nofile 18000;');
my $crowd = Pimap::Crowd->new(t => $t,
    $ENV{PIMAP_ASAN} ? (accounts => 500, seconds => 30)
        : (accounts => 2000, seconds => 20));

$t->plan(3 + 2 * 2 + READ + 4);
ok($crowd->build(), 'the clients are built');
$t->run();
$t->wait_ready();
$crowd->park();

# These streams are read in full; the others are only counted.

my @read = map { $t->park("account-$_",
    transport => $_ % 2 ? 'http' : 'https', query => 'device=r') } 1 .. READ;

$_->read_until(qr/: parked\n.*\n\n/) for @read;

my $all = $crowd->devices() + READ;

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} + $d->{hibernated} == $all }, 'all of them'), 'parked');

$crowd->publish();

for my $workers (4, 1, 3, 2, 2) {
    my @old = $t->workers();

    $t->nginx()->{workers} = $workers;
    $t->reload();
    $t->wait_for(sub { !grep { -e "/proc/$_" } @old }, 'the old ones');
}

is($crowd->publishing(), 2, 'both publishers ran during all reloads');

my $published = $crowd->published();
my $logged = $crowd->published('FCALL');

for my $kind ($crowd->kinds()) {
    is_deeply($crowd->got($kind), $published,
        "$kind: each device got all of its events");
    is($crowd->closed($kind), 0, "$kind: none was closed");
}

for my $i (1 .. READ) {
    my @ids = map { ($_->{id} // '') =~ /-(\d+)$/ }
        $read[$i - 1]->events($published->{$i} // 0);

    is("@ids", join(' ', 1 .. ($logged->{$i} // 0)),
        "account-$i: events come once and in order");
}

my $status = $t->status();

is($status->{handover}{received}, 5 * $all,
    'each reload hands all devices over');
is($status->{connects}, $all, 'no device reconnected');
is($status->{parked}, $all, 'all devices are counted');

my @share = sort { $a <=> $b } map { $_->{devices} } @{ $status->{workers} };

cmp_ok($share[1] - $share[0], '<', $all / ($ENV{PIMAP_ASAN} ? 5 : 10),
    "devices are spread evenly: @share");

#!/usr/bin/perl

# A new binary takes the devices of the old one over: USR2, then QUIT to the
# old master.  Then back again by a reload of what is there.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir($FindBin::Bin); }

use lib qw(lib ../bench);
use Bench::Load;
use Pimap;

use constant { ACCOUNTS => 1000, RATE => 1000, SECONDS => 4 };

my $t = Pimap->new(workers => 2, log => 'notice', connections => 8000,
    mode => 'pimap_hibernate on;', main => 'worker_rlimit_nofile 9000;');
my $dir = $t->dir();

$t->plan(14);
is(system('make', '-s', '-C', $t->root() . '/bench'), 0, 'clients are built');
# Without a shell in front of it: an upgrade is for a daemon.

sub master { ($t->read_file("$dir/nginx.pid") =~ /(\d+)/)[0] }

sub workers {
    return grep { $t->read_file("/proc/$_/cmdline") =~ /worker process/ }
        map { split(' ', $t->read_file("/proc/$_/task/$_/children")) } @_;
}

$t->redis()->start();
$t->write_file("$dir/nginx.conf",
    $t->nginx()->conf() =~ s/^daemon off;/daemon on;/r);
is(system('/usr/sbin/nginx', '-p', "$dir/", '-c', "$dir/nginx.conf", '-e',
    "$dir/error.log"), 0, 'nginx starts');
$t->wait_ready();

my %load = map { $_ => Bench::Load->park("$_://127.0.0.1:" . $t->port($_)
    . '/events?account=account-%a&device=d-' . $_, ACCOUNTS, '-b',
    "$dir/board.$_", '-k', 50) } qw(http https);

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} + $d->{hibernated} == 2 * ACCOUNTS }), 'parked');

my $publisher = $t->start(name => 'publisher', output => "$dir/publisher.out",
    command => [$t->root() . '/build/bench/publish', '-R',
        $t->redis()->socket(), '-f', '-a', ACCOUNTS, '-n', RATE * SECONDS,
        '-r', RATE, '-l', "$dir/accounts"]);

# The upgrade, as nginx' own pages describe it.

my $old = master();

kill('USR2', $old);
ok($t->wait_for(sub { -s "$dir/nginx.pid" && -e "$dir/nginx.pid.oldbin" }),
    'the new binary runs');
ok($t->wait_for(sub { workers(master()) == 2 }), 'with its workers');
kill('QUIT', $old);
ok($t->wait_for(sub { !-e "/proc/$old" }), 'the old one leaves');

my $new = master();

isnt($new, $old, 'another process serves');

my $status = $t->status();

is(join(' ', @{$status}{qw(parked taken connects)}),
    join(' ', 2 * ACCOUNTS, 2 * ACCOUNTS, 0), 'all have been handed over');

# The new master reloads as ever.

my @workers = workers($new);

kill('HUP', $new);
$t->wait_for(sub { !grep { -e "/proc/$_" } @workers }, 'its old workers');
is($t->status()->{parked}, 2 * ACCOUNTS, 'a reload of the new one');

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

$_->stop() for values(%load);
kill('QUIT', $new);
ok($t->wait_for(sub { !-e "/proc/$new" }), 'it leaves, too');

END { kill('TERM', grep { $_ } master()) if -e "$dir/nginx.pid" }

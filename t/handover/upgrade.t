#!/usr/bin/perl

# A new binary receives the devices of the old one: USR2, then QUIT to the old
# master.  Then the new master reloads.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Crowd;

my $t = Pimap->new(workers => 2, log => 'notice', connections => 8000,
    mode => 'pimap_hibernate on;', main => 'worker_rlimit_nofile 9000;');
my $dir = $t->dir();
my $crowd = Pimap::Crowd->new(t => $t, accounts => 1000, seconds => 4);

sub master { return ($t->read_file("$dir/nginx.pid") =~ /(\d+)/)[0] }

sub workers {
    my ($master) = @_;

    return grep { $t->read_file("/proc/$_/cmdline") =~ /worker process/ }
        split(' ', $t->read_file("/proc/$master/task/$master/children"));
}

$t->plan(14);
ok($crowd->build(), 'the clients are built');

# nginx upgrades a daemon only.

$t->redis()->start();
$t->write_file("$dir/nginx.conf",
    $t->nginx()->conf() =~ s/^daemon off;/daemon on;/r);
is(system($t->nginx()->binary(), '-p', "$dir/", '-c', "$dir/nginx.conf", '-e',
    "$dir/error.log"), 0, 'nginx starts');
$t->wait_ready();
$crowd->park();

ok($t->wait_for(sub { my $d = $t->status()->{devices};
    $d->{detached} + $d->{hibernated} == $crowd->devices() }), 'parked');

$crowd->publish();

# The upgrade, as nginx' own pages describe it.

my $old = master();

kill('USR2', $old);
ok($t->wait_for(sub { -s "$dir/nginx.pid" && -e "$dir/nginx.pid.oldbin" }),
    'the new binary runs');
ok($t->wait_for(sub { workers(master()) == 2 }), 'the new workers run');
kill('QUIT', $old);
ok($t->wait_for(sub { !-e "/proc/$old" }), 'the old master exits');

my $new = master();

isnt($new, $old, 'another master serves');

# The last devices may wait for Redis after the old worker has exited.

my $all = $crowd->devices();

ok($t->wait_for(sub {
    my $s = $t->status();
    return join(' ', $s->{parked}, $s->{handover}{received}, $s->{connects})
        eq "$all $all 0";
}), 'all devices were handed over');

# The new master reloads.

my @workers = workers($new);

kill('HUP', $new);
$t->wait_for(sub { !grep { -e "/proc/$_" } @workers }, 'its old workers');
ok($t->wait_for(sub { $t->status()->{parked} == $all }),
    'a reload of the new master: all devices stay');

for my $kind ($crowd->kinds()) {
    is_deeply($crowd->got($kind), $crowd->published(),
        "$kind: each device got all of its events") or diag($t->log());
    is($crowd->closed($kind), 0, "$kind: none was closed");
}

$crowd->stop();
kill('QUIT', $new);
ok($t->wait_for(sub { !-e "/proc/$new" }), 'the new master exits');

END { kill('TERM', grep { $_ } master()) if -e "$dir/nginx.pid" }

#!/usr/bin/perl

# An upgrade is rolled back: the workers that the old master starts again
# receive the devices of the new master's workers.  The same without WINCH: the
# old workers are still there.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant DEVICES => 20;

my $t = Pimap->new(workers => 2, log => 'notice',
    mode => 'pimap_hibernate on;', http => 'pimap_drain 5s;');
my $dir = $t->dir();

sub master { return ($t->read_file("$dir/nginx.pid") =~ /(\d+)/)[0] // 0 }

sub workers {
    my ($master) = @_;

    return grep { $t->read_file("/proc/$_/cmdline") =~ /worker process/ }
        split(' ', $t->read_file("/proc/$master/task/$master/children"));
}

# Parks devices at the workers of both masters, if there are two.

sub park {
    my @s = map { $t->park("user$_", transport => $_ % 2 ? 'http' : 'https') }
        1 .. DEVICES;

    return grep { $_->read_until(qr/: parked\n.*\n\n/) } @s;
}

# A worker that takes devices has a lock.

sub take {
    my (@pids) = @_;

    return $t->wait_for(sub { my $locks = $t->read_file('/proc/locks');
        !grep { $locks !~ /\bREAD +$_\b/ } @pids }, 'the locks');
}

sub upgrade {
    my ($old) = @_;

    kill('USR2', $old);
    $t->wait_for(sub { -e "$dir/nginx.pid.oldbin" && master() != $old
        && workers(master()) == 2 }, 'the new binary');
    take(workers(master()));

    return master();
}

sub rolled_back {
    my ($way, $new, @s) = @_;

    kill('QUIT', $new);
    ok($t->wait_for(sub { !-e "/proc/$new" }), "$way: the new master exits");

    $t->redis()->log("user$_", { event => 'QuotaExceed' }) for 1 .. DEVICES;
    is(scalar(grep { ($_->event() // {})->{event} } @s), @s,
        "$way: all devices get events");
    is(scalar(grep { $_->ended(0) } @s), 0, "$way: no device was sent away");
    unlike($t->log(), qr/pimap disconnects/, "$way: says the log, too");
}

$t->plan(14);
$t->redis()->start();
$t->write_file("$dir/nginx.conf",
    $t->nginx()->conf() =~ s/^daemon off;/daemon on;/r);
is(system($t->nginx()->binary(), '-p', "$dir/", '-c', "$dir/nginx.conf", '-e',
    "$dir/error.log"), 0, 'nginx starts');
$t->wait_ready();

# As nginx' own pages describe it.

my $old = master() || die "nginx does not run\n";
my @s = park();

is(scalar(@s), DEVICES, 'parked');

my $new = upgrade($old);

kill('WINCH', $old);
ok($t->wait_for(sub { !workers($old) }), 'the old workers exit');
kill('HUP', $old);
ok($t->wait_for(sub { workers($old) == 2 }), 'the old master has workers');
take(workers($old));
rolled_back('with WINCH', $new, @s);
is(master(), $old, 'the old master is the only one');

# The old workers have never left.

$new = upgrade($old);
push(@s, park());
rolled_back('without WINCH', $new, @s);

kill('QUIT', $old);
is(scalar(grep { $_->ended() } @s), @s, 'then no worker is left to take them');

END { kill('TERM', grep { $_ } master()) if -e "$dir/nginx.pid" }

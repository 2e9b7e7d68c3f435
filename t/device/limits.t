#!/usr/bin/perl

# nginx.conf limits the parked devices, in all and of an account, counted over
# all workers.  A device that leaves frees its place, and a killed worker frees
# the places of its devices.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, allow => qr/exited on signal 9/);
my $all = Pimap->new(workers => 2, redis => $t->redis(),
    http => 'pimap_max_devices 3; pimap_retry 2s;');

$t->nginx()->{locations} .= <<'END';
        location = /two {
            pimap_account $arg_account;
            pimap_max_devices_per_account 2;
            pimap_events;
        }

        location = /any {
            pimap_account $arg_account;
            pimap_max_devices_per_account 0;
            pimap_events;
        }
END

$t->plan(31);
$t->run();
$all->run();

my ($first, $second) = $t->workers();


# Devices of an account.

my $one = parked($t, $first, 'device=one');
my $two = parked($t, $second, '');

for my $pid ($first, $second) {
    my $got = refused($pid, 'device=three');

    is($got->{status}, 429, 'a third device: refused');
    like($got->{json}{detail}, qr/too many devices/,
        'a third device: the reason');
}

is(refused($first, '')->{status}, 429,
    'a third device without a name: refused');

my $bob = parked($t, $first, '', 'bob');
ok($bob, 'another account: parked');

my $any = $t->park('alice', path => '/any');
ok($any->read_until(qr/: parked\n.*\n\n/),
    'a location without the limit: parked');

is($t->status()->{refused}, 3, 'refusals are counted');

my $again = parked($t, $second, 'device=one');

ok($again, 'the same device again: parked');
is(($one->event() // {})->{event}, 'superseded',
    'the same device again: the older gets superseded');
ok($one->ended(), 'the same device again: the older ends');
wait_devices($t, 4);
is(refused($second, 'device=three')->{status}, 429,
    'the same device again: a third is still refused');

$_->close() for ($again, $two);
wait_devices($t, 2);

$two = parked($t, $first, 'device=two');
ok($two, 'two devices left: a new one is parked');
is(refused($second, 'device=three')->{status}, 429,
    'the places are taken again: a third is refused');


# The devices of a killed worker.

my $killed = parked($t, $second, '', 'bob');

ok($killed, 'another account: a second device');
is(refused($first, '', 'bob')->{status}, 429,
    'another account: a third device is refused');
kill('KILL', $second);
ok($killed->closed(), 'a killed worker: the device is disconnected');

ok($t->wait_for(sub {
    my @pids = map { $_->{pid} } @{ $t->status()->{workers} };
    @pids == 2 && !grep { $_ == $second } @pids
}, 'a new worker'), 'a killed worker: a new worker starts');

my $status = $t->status();
my ($alive) = grep { $_->{pid} == $first } @{ $status->{workers} };

is($status->{parked}, $alive->{devices},
    'a killed worker: its devices are not counted');
cmp_ok($status->{connects}, '>=', 7,
    'a killed worker: its connects are counted');

my $next = parked($t, $first, '', 'bob');

ok($next, 'a killed worker: the place is free');
is(refused($first, '', 'bob')->{status}, 429,
    'a killed worker: only one place is free');


# Devices in all.

my @parked = map { my $s = $all->park("user$_");
    $s->read_until(qr/: parked\n.*\n\n/); $s } 1 .. 3;

my $full = $all->park('user4');

is($full->status(), 200, 'full: 200, as a browser gives up after a 503');
is($full->header('Content-Type'), 'text/event-stream', 'full: a stream');

my ($retry) = ($full->read_until(qr/\n\n/) // '') =~ /\Aretry: (\d+)\n/;

cmp_ok($retry, '>=', 30_000, 'full: the time to come back is long');
cmp_ok($retry, '<=', 90_000, 'full: the time to come back is bounded');
ok($full->ended(), 'full: the response ends');
is($all->status()->{refused}, 1, 'full: counted');
like($all->log(), qr/\[warn\].*"pimap_max_devices" is reached/,
    'full: logged');
ok($all->park('user5', transport => 'h2')->ended(), 'full: HTTP/2');

$parked[0]->close();
wait_devices($all, 2);
ok($all->park('user6')->read_until(qr/: parked\n.*\n\n/),
    'a device left: a new one is parked');


# Parks a device on a given worker.

sub parked {
    my ($t, $pid, $query, $account) = @_;

    return $t->nginx()->only($pid, sub {
        my $s = $t->park($account // 'alice', path => '/two',
            query => $query);
        $s->read_until(qr/: parked\n.*\n\n/) && $s;
    });
}


sub refused {
    my ($pid, $query, $account) = @_;

    $account //= 'alice';

    return $t->nginx()->only($pid, sub {
        $t->get("/two?account=$account&$query");
    });
}


sub wait_devices {
    my ($t, $n) = @_;

    $t->wait_for(sub { $t->status()->{parked} == $n }, "$n devices");
}

#!/usr/bin/perl

# No more devices are parked than nginx.conf allows, in all and of an account,
# counted over all workers; a device that leaves gives its place back, and so
# does a worker that was killed.

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

    is($got->{status}, 429, 'one more than allowed');
    like($got->{json}{detail}, qr/too many devices/, 'and why not');
}

is(refused($first, '')->{status}, 429, 'nor one without a name');

my $bob = parked($t, $first, '', 'bob');
ok($bob, 'another account');

my $any = $t->park('alice', path => '/any');
ok($any->read_until(qr/: parked\n\n/), 'a location without the limit');

is($t->status()->{refused}, 3, 'refusals are counted');

my $again = parked($t, $second, 'device=one');

ok($again, 'a device that is there already is let in');
is(($one->event() // {})->{event}, 'superseded', 'and replaces the older');
ok($one->ended(), 'which ends');
wait_devices($t, 4);
is(refused($second, 'device=three')->{status}, 429,
    'it is still one too many');

$_->close() for ($again, $two);
wait_devices($t, 2);

$two = parked($t, $first, 'device=two');
ok($two, 'a place was given back');
is(refused($second, 'device=three')->{status}, 429, 'and taken');


# What a killed worker held.

my $killed = parked($t, $second, '', 'bob');

ok($killed, "another account's second");
is(refused($first, '', 'bob')->{status}, 429, 'no third');
kill('KILL', $second);
ok($killed->closed(), 'the worker is gone');

ok($t->wait_for(sub {
    my @pids = map { $_->{pid} } @{ $t->status()->{workers} };
    @pids == 2 && !grep { $_ == $second } @pids
}, 'a new worker'), 'there is another one');

my $status = $t->status();
my ($alive) = grep { $_->{pid} == $first } @{ $status->{workers} };

is($status->{parked}, $alive->{devices},
    'its devices are not counted any more');
cmp_ok($status->{connects}, '>=', 7, 'what it did is');

my $next = parked($t, $first, '', 'bob');

ok($next, 'and its place is free');
is(refused($first, '', 'bob')->{status}, 429, 'just one');


# Devices in all.

my @parked = map { my $s = $all->park("user$_");
    $s->read_until(qr/: parked\n\n/); $s } 1 .. 3;

my $full = $all->park('user4');

is($full->status(), 200, 'full: a browser would not come back after a 503');
is($full->header('Content-Type'), 'text/event-stream', 'full: a stream');

my ($retry) = ($full->read_until(qr/\n\n/) // '') =~ /\Aretry: (\d+)\n/;

cmp_ok($retry, '>=', 30_000, 'full: to come back not too soon');
cmp_ok($retry, '<=', 90_000, 'full: nor too late');
ok($full->ended(), 'full: and the end');
is($all->status()->{refused}, 1, 'full: counted');
like($all->log(), qr/\[warn\].*"pimap_max_devices" is reached/,
    'full: logged');
ok($all->park('user5', transport => 'h2')->ended(), 'full: HTTP/2');

$parked[0]->close();
wait_devices($all, 2);
ok($all->park('user6')->read_until(qr/: parked\n\n/), 'a place is free');


# On a certain worker.

sub parked {
    my ($t, $pid, $query, $account) = @_;

    return $t->nginx()->only($pid, sub {
        my $s = $t->park($account // 'alice', path => '/two',
            query => $query);
        $s->read_until(qr/: parked\n\n/) && $s;
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

#!/usr/bin/perl

# A worker is ready unless it could not deliver for longer than "timeout" of
# "pimap_redis".  The time is written by the worker and judged by the one that
# answers, so a worker that hangs is found, too.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Proxy;

my $t = Pimap->new(workers => 2);
my $away = Pimap->new(allow => qr/connect\(\) to unix:\S+ failed/);
my $proxy = Pimap::Proxy->new(t => $t, name => 'proxy', mode => 'open');
my $redis = $t->redis();

$t->nginx()->{http} = 'pimap_redis redis://127.0.0.1:' . $proxy->port()
    . ' timeout=4s probe=100ms; pimap_max_devices_per_ip 0;';
$away->nginx()->{http} = 'pimap_redis unix:' . $away->dir()
    . '/none timeout=30s;';

$t->plan(19);
$redis->start();
$proxy->start();
$t->run();
$away->nginx()->start();

is($away->get('/status?ready')->{status}, 503,
    'nginx starts without Redis: not ready at once');
ok($t->wait_ready(), 'with Redis: ready');


# Trouble that is shorter.

my @devices = map { $t->park("a$_") } 1 .. 20;

$_->read_until(qr/: parked\n.*\n\n/) for @devices;
$t->wait_for(sub { subscribed() == 20 }, 'the subscriptions');

$redis->command(qw(CLIENT KILL TYPE pubsub));
is(answers(0.5), '200', 'subscribers are disconnected: ready all the time');
$redis->command(qw(CLIENT KILL TYPE normal SKIPME yes));
is(answers(0.5), '200', 'commands are disconnected: ready all the time');
ok($t->wait_for(sub { subscribed() == 20 }), 'all are subscribed again');

for my $n (1, 2) {
    my %old = map { $_ => 1 } $t->workers();

    kill('HUP', $t->nginx()->pid());
    is(answers(1, sub { grep { !$old{$_} } $t->workers() }), '200',
        "reload $n: ready all the time");
}

ok($t->wait_for(sub { subscribed() == 20 }), 'all are subscribed');


# There are always accounts that wait for their subscription.

$proxy->mode('slow');

my $n = 0;
my @come;

is(answers(3, sub { push(@come, $t->park('b' . ++$n)) }), '200',
    'Redis is slow, accounts keep coming: ready all the time');
cmp_ok($n, '>', 20, "$n accounts came");
cmp_ok($t->status()->{workers}[0]{staleSeconds}, '>', 0.05,
    'the status tells for how long they wait');

# These are all of one account, so that the next one is the oldest.

$proxy->mode('open');
$_->close() for @come;
ok($t->wait_for(sub { subscribed() == 20 }), 'they leave');


# An account waits for too long.

$proxy->mode('late');
push(@devices, $t->park('late'));
ok($t->wait_for(sub { !$t->ready() }, 'red'), 'an account waits: not ready');
$proxy->mode('open');
ok($t->wait_ready(), 'it is subscribed: ready');


# A worker hangs.  Until now a command may have waited for almost as long.

$t->wait_for(sub { !grep { $_->{staleSeconds} > 1 }
    @{ $t->status()->{workers} } }, 'nothing waits');

my ($first, $second) = $t->workers();

kill('STOP', $first);

ok($t->wait_for(sub { !$t->ready() }, 'red'), 'a worker hangs: not ready');
like($t->get('/status?ready')->{json}{detail},
    qr/^worker \d+ \(pid $first\) can't deliver for ([4-9]|\d\d+) s: it hangs/,
    'the answer names it, and the time, which is over the time-out');

my ($hung, $other) = map { my $pid = $_; grep { $_->{pid} == $pid }
    @{ $t->status()->{workers} } } $first, $second;

is("$hung->{ready} $other->{ready}", '0 1', 'so does the status');
cmp_ok($hung->{staleSeconds}, '>', 4, 'with the time');

kill('CONT', $first);
ok($t->wait_ready(), 'it goes on: ready');


# The answers of ?ready for some seconds, each status once.

sub answers {
    my ($seconds, $more) = @_;

    my %seen;
    my $end = time() + $seconds;

    while (time() < $end) {
        my $answer = $t->get('/status?ready');

        diag($answer->{json}{detail} // $answer->{body})
            if !$seen{ $answer->{status} }++ && $answer->{status} != 200;
        $more->() if $more;
        sleep(0.02);
    }

    return join(' ', sort(keys(%seen)));
}


sub subscribed {
    my $n = 0;
    $n += $_->{redis}{subscribed} for @{ $t->status()->{workers} };

    return $n;
}

#!/usr/bin/perl

# Redis is absent when nginx starts, comes later, is killed and comes back.
# Meanwhile devices are accepted and stay, publishers are told to try again,
# and nginx is not ready.  Delivery works again soon after Redis is back.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(workers => 2);
my $redis = $t->redis();
my $event = { event => 'MessageNew', uid => 1 };

$t->plan(40);
$t->nginx()->start();

my %s = map { $_ => $t->park("alice-$_", transport => $_) } @transports;

sub lost {
    return scalar($t->log_lines(
        qr/\[error\].* pimap (?:lost|cannot connect to) redis: /));
}

sub is_away {
    my ($when) = @_;

    my $response = $t->publish('alice-http', $event);

    is($response->{status}, 503, "$when: publish is refused");
    like($response->{head}, qr/^Retry-After: \d+\r$/m, "$when: Retry-After");
    is($response->{json}{status}, 503, "$when: with a problem document");
    is($t->get('/status?ready')->{status}, 503, "$when: not ready");

    my $s = $t->park('bob');

    ok($s->read_until(qr/: parked\n.*\n\n/), "$when: devices are accepted");
    $s->close();
}

sub is_there {
    my ($when) = @_;

    ok($t->wait_ready(), "$when: ready");

    for my $transport (@transports) {
        my $account = "alice-$transport";

        $t->subscribed($account);
        is($redis->publish($account, $event), 1,
            "$when: $transport: one subscriber");
        is_deeply(($s{$transport}->event() // {})->{json}, $event,
            "$when: $transport: delivered");
    }
}

# Absent.

ok($s{$_}->read_until(qr/: parked\n.*\n\n/), "$_: parked without Redis")
    for @transports;

is_away('absent');

ok($t->wait_for(sub { $t->status()->{workers}[1]{redis}{failures} > 6 },
    'attempts'), 'Redis absent: each worker tries again');
is(lost(), 1, 'Redis absent: one log line');
is(scalar($t->log_lines(qr/\[crit\]/)), 0,
    'Redis absent: no line of nginx itself');
ok($s{$_}->quiet(0), "$_: still parked") for @transports;

# There.

$redis->start();
is_there('started');
is(scalar($t->log_lines(qr/\[notice\].* pimap connected to redis, /)), 4,
    'Redis is there: the log says so');

# Killed.

$redis->kill();
ok($t->wait_for(sub { lost() == 2 && !$t->ready() }, 'the loss'), 'killed');
is_away('killed');
ok($s{$_}->quiet(0), "$_: parked through the outage") for @transports;

my ($before) = map { $_->{redis}{failures} } $t->status()->{workers}[0];

ok($t->wait_for(sub { $t->status()->{workers}[0]{redis}{failures}
    > $before + 2 }, 'attempts'), 'tried again');

# Back.

$redis->start();
is_there('back');
is(lost(), 2, 'one log line an outage');

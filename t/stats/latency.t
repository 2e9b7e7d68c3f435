#!/usr/bin/perl

# The latency of an event, from its publish in Redis until its devices have it,
# is counted if the message has the time: not of a plain PUBLISH, and not of an
# event from the log.  A clock that is ahead counts as no latency.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new();

$t->plan(20);
$t->run();
$t->wait_ready();

my $redis = $t->redis();
my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);
$t->subscribed('alice');

my $id = $t->publish('alice', { event => 'One' })->{json}{id};

ok($s->event(), 'published by HTTP: delivered');
is(buckets('0.002', '0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5',
    '1'), 1, '    within a second');
cmp_ok(latency()->{seconds}, '<', 1, '    their sum');

$redis->log('alice', { event => 'Two' });
ok($s->event(), 'published by FCALL: delivered');
is(total(), 2, '    and counted');

$redis->publish('alice', { event => 'Three' });
ok($s->event(), 'PUBLISH: delivered');
is(total(), 2, '    and not counted, because there is no time');

# Messages as the functions publish them, of the next ids.

my ($epoch, $n) = split(/-/, $id);

$n++;
message(sprintf('@%d', 1000 * (time() - 5)));
ok($s->event(), 'published five seconds ago: delivered');
is(buckets('10'), 1, '    and in the bucket of it');
cmp_ok(latency()->{seconds}, '>', 4.9, '    their sum is more');
cmp_ok(latency()->{seconds}, '<', 7, '    and not much more');

message(sprintf('@%d', 1000 * (time() + 3600)));
ok($s->event(), "Redis' clock is ahead: delivered");
is(total(), 4, '    and counted');
cmp_ok(latency()->{seconds}, '<', 7, '    with no latency');

message('');
ok($s->event(), 'an id without a time: delivered');
is(total(), 4, '    and not counted');

my $invalid = $t->status()->{events}{invalid};

for my $time ('@', '@x', '@01', '@99999999999999999') {
    $redis->publish('alice', "$epoch-" . ($n + 1) . "$time "
        . '{"event":"X"}');
}

ok($t->wait_for(sub { $t->status()->{events}{invalid} == $invalid + 4 },
    'four invalid messages'), 'times that are none: invalid');

# From the log.

my $late = $t->park('alice', headers => { 'Last-Event-ID' => $id });

is(($late->event() // {})->{event}, 'Two', 'an event from the log: delivered');
is(total(), 4, '    and not counted');

my $text = $t->get('/status?format=prometheus')->{body};

like($text, qr/^pimap_event_latency_seconds_bucket\{le="\+Inf"\}\ 4\n
    pimap_event_latency_seconds_sum\ \d\.\d+\n
    pimap_event_latency_seconds_count\ 4\n/mx, 'the same for Prometheus');


sub message {
    my ($time) = @_;

    $n++;
    $redis->publish('alice', "$epoch-$n$time " . '{"event":"X"}');
}

sub latency { return $t->status()->{eventLatency} }

sub buckets {
    my $latency = latency();
    my $sum = 0;

    $sum += $latency->{$_} for @_;
    return $sum;
}

sub total { return buckets(grep { $_ ne 'seconds' } keys(%{ latency() })) }

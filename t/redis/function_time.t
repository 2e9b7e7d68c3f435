#!/usr/bin/perl

# The time of an update is right in the first millisecond of a second, too,
# where TIME of Redis has fewer digits.  So is the time of an event, in the log
# and in the message, whatever the log's time to live is.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep time);

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant { CALLS => 5, STREAM => 'pimap:updates' };

my $t = Pimap->new();
my $redis = $t->redis()->start()->load();

$t->plan(6);

my ($n, $first, @odd) = (0, 0);

$t->wait_for(sub {
    sleep(0.998 - time() + int(time())) if time() - int(time()) < 0.998;
    update() for 1 .. 50;

    return $first >= CALLS;
});

cmp_ok($first, '>=', CALLS, 'updates in such a millisecond');
is_deeply(\@odd, [], '    the times are right');

# The log is begun, has a time to live, a short one, or none.

my $key = $redis->channel('bob');
my $devices = $redis->connect();

$devices->command('SUBSCRIBE', $key);

for ([TTL => 'a log that begins'], [TTL => 'a log with a time to live'],
    [EXPIRE => 'a log that expires soon', 5], [PERSIST => 'a log without it'])
{
    my ($command, $name, @arguments) = @$_;

    is_deeply([map { abs($_) <= 1000 ? 'right' : $_ }
        event($command, $key, @arguments)], ['right', 'right'],
        "$name: the time of an event");
}


# By how much the times of an event differ from that of Redis, in ms.

sub event {
    my (@command) = @_;

    $redis->command(@command);

    my ($time) = $redis->together(sub {
        $redis->command('TIME');
        $redis->log('bob', { event => 'MessageNew' });
    });

    my ($sent) = $devices->reply()->[2] =~ /@(\d+) /;
    my (undef, undef, undef, $logged) = @{
        $redis->command('XREVRANGE', $key, '+', '-', 'COUNT', 1)->[0][1] };
    my $now = 1000 * $time->[0] + $time->[1] / 1000;

    return ($sent - $now, 1000 * $logged - $now + $now % 1000);
}


sub update {
    $n++;

    my ($time) = $redis->together(sub {
        $redis->command('TIME');
        $redis->command('FCALL', 'pimap_update', 2, $redis->channel('alice'),
            STREAM, '1000000', 'phone', $n, qq({"id":"$n","update":"x"}));
    });

    my ($entry) = @{ $redis->command('XREVRANGE', STREAM, '+', '-', 'COUNT',
        1) };
    my %update = @{ $entry->[1] };
    my ($second, $usec) = @$time;

    $first++ if $usec < 1000;
    push(@odd, "$second $usec: $update{time}")
        if abs($update{time} - 1000 * $second - $usec / 1000) > 1000;
}

#!/usr/bin/perl

# The time of an update is right in the first millisecond of a second, too,
# where TIME of Redis has fewer digits.

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

$t->plan(2);

my ($n, $first, @odd) = (0, 0);

$t->wait_for(sub {
    sleep(0.998 - time() + int(time())) if time() - int(time()) < 0.998;
    update() for 1 .. 50;

    return $first >= CALLS;
});

cmp_ok($first, '>=', CALLS, 'updates in such a millisecond');
is_deeply(\@odd, [], '    the times are right');


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

#!/usr/bin/perl

# An event by HTTP keeps the account's log as long as pimap_log_length and
# pimap_log_ttl say.  With their defaults the worker leaves them to the
# function, which has the same.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

use constant WEEK => 7 * 86400;

my $t = Pimap->new();
my @cases = (
    ['', 1000, WEEK],
    ['pimap_log_length 3;', 3, WEEK],
    ['pimap_log_ttl 60s;', 1000, 60],
    ['pimap_log_length 5; pimap_log_ttl 1d;', 5, 86400],
    ['pimap_log_length 1000; pimap_log_ttl 7d;', 1000, WEEK],
);

$t->plan(7 * @cases);

my $redis = $t->redis()->start()->load();
my $begun = $redis->epoch(time() - 86400);

$t->nginx()->start();

for my $case (@cases) {
    my ($settings, $length, $ttl) = @$case;

    $t->nginx()->{http} = $settings;
    ok($t->nginx()->reload() && $t->wait_ready(), $settings || 'defaults');

    for my $how ('without a key', 'with one') {
        my %key = $how eq 'with one' ? ('Idempotency-Key' => 'one') : ();

        $redis->command(qw(DEL pimap:{a} pimap:{a}:idem:one));
        fill('a', 1010);
        is($t->publish('a', { event => 'MessageNew' },
            headers => \%key)->{status}, 200, "    $how: published");
        is($redis->command(qw(XLEN pimap:{a})), $length,
            "    $how: $length events stay");
        ok(lives('a', $ttl), "    $how: for $ttl s");
    }
}


# Entries of now, so that none is too old.

sub fill {
    my ($account, $n) = @_;

    $redis->command('XADD', "pimap:{$account}", "$begun-$_", 'e', '{}', 't',
        time()) for 1 .. $n;
}


sub lives {
    my ($account, $ttl) = @_;
    my $left = $redis->command('TTL', "pimap:{$account}");

    return $left > $ttl - 30 && $left <= $ttl + $ttl / 60;
}

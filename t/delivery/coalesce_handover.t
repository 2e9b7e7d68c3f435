#!/usr/bin/perl

# A device is handed over while its account holds events.  They go out first,
# also when Redis is away, so that no marker orders them.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(mode => '', allow => qr/connect\(\) to/,
    http => 'pimap_gap_check 0; pimap_coalesce 10s;');
my $redis = $t->redis();

$t->plan(2 * 3);
$t->run();
$t->wait_ready();

for my $away (0, 1) {
    my $name = $away ? 'Redis is away' : 'Redis is there';
    my $account = $away ? 'bob' : 'alice';
    my $s = $t->park_live($account);
    my $received = $t->status()->{handover}{received};

    # The first one goes out and opens the window.

    $redis->together(sub {
        $redis->log($account, { event => 'FlagsSet', uid => $_ }) for 1, 2;
    });
    is(($s->event() // {})->{json}{uid}, 1, "$name: the second one is held");
    $redis->stop() if $away;
    $t->reload();
    ok($t->wait_for(sub {
        ($t->status()->{handover}{received} // 0) > $received
    }, 'handed over'), "$name: handed over");
    is(($s->event(5) // {})->{json}{uid}, 2, "$name: it goes out before");
    $s->close();
}

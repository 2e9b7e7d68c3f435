#!/usr/bin/perl

# A mail server is away.  However often the bridge tries, the account counts as
# one that has no session, and the bridge as one that does not watch.  The
# timers of the bridge run 40 times as fast.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Clock;

plan(skip_all => 'a checker is preloaded') if !Pimap::Clock->possible();

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(4);

my $bridge = Pimap::Bridge->new(t => $t, imap => $t->port('nobody'),
    server => Pimap::Bridge->master(),
    redis => 'timeout = "60s";', lease => 'time = "10m";',
    sessions => 'backoff_min = "2s"; backoff_max = "4s";',
    env => { Pimap::Clock->new($t, rate => 40)->env() });

$t->run();
$bridge->start()->wait_healthy();

my $s = $t->park('alice');

$s->read_until(qr/: parked\n.*\n\n/);
ok($t->wait_for(sub { failures() > 1 }), 'the server is away');
ok($t->wait_for(sub { $bridge->metric('accounts_without_session') == 1 }),
    'a minute later: the account is without a session');

my $before = failures();

ok($t->wait_for(sub { failures() > $before }), '    it is tried again');
like($bridge->get('/healthz')->{body}, qr/most accounts have no session/,
    '    and the health says so');
$s->close();
$bridge->stop();


sub failures { return $bridge->metric('failures_total{reason="away"}') // 0 }

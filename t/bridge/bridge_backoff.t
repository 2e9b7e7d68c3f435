#!/usr/bin/perl

# A mail server answers the login, but never LIST. Each session then lasts
# longer than a good one has to. The bridge still asks later each time. The
# timers of the bridge run 40 times as fast.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::Clock;
use Pimap::FakeImap;

plan(skip_all => 'a checker is preloaded') if !Pimap::Clock::possible();

use constant LONG => 9;                 # more than the first waits, s

my $t = Pimap->new();
$t->plan(2);
$t->run();

my $fake = Pimap::FakeImap->new(t => $t)->start();
$fake->script(Pimap::FakeImap->until_login('IDLE LIST-EXTENDED'),
    ['read', 'LIST'], ['wait']);

my $bridge = Pimap::Bridge->new(t => $t, imap => $fake->port(),
    env => { Pimap::Clock->new($t, rate => 40)->env() },
    redis => 'timeout = "60s";', lease => 'time = "10m";',
    sessions => 'backoff_min = "5s";', server => Pimap::Bridge->master()
        . 'connect_timeout = "60s"; answer_timeout = "31s";')->start();

my $s = $t->park('alice', query => 'device=phone');
my $waits;

ok($t->wait_for(sub { ($waits = waits()) > LONG }),
    'LIST is never answered: the next session is later each time')
    or diag('at most ' . ($waits // 0) . ' s');

$s->close();
$bridge->stop();
ok($bridge->{process}->ended_well(), 'the bridge ends cleanly');


# The seconds that the account has to wait

sub waits {
    my $answer = $bridge->get('/accounts') // return 0;
    my ($account) = @{ decode_json($answer->{body})->{accounts} };
    my ($until) = ($account->{until} // return 0) =~ /T(.*)Z/;
    my ($h, $m, $s) = split(/:/, $until);

    return ($h * 3600 + $m * 60 + $s - time() + 43200) % 86400 - 43200;
}

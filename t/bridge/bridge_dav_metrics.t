#!/usr/bin/perl

# The metrics of contacts and calendars: rounds, requests, changes and updates
# are each counted once. A round without changes takes one request for each
# home.

use strict;
use warnings;

use File::Path qw(remove_tree);
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(23);

my $dav = Pimap::Dav->new(t => $t)->start();
my $device = Pimap::DavDevice->new(t => $t, url => $dav->url(), dav =>
    'poll_min = "1h"; poll_max = "1h"; content = 0;');

$dav->make('/alice/book/', 'addressbook', 'Friends');
$dav->make('/alice/cal/', 'calendar', 'Work');
$dav->put('/alice/book/0.vcf', $dav->card('0', 'Zero'));

ok($device->start()->park() && $device->wait_watched(),
    'the bridge watches the account');

my $bridge = $device->bridge();
my %before;

# The metrics that have grown since the last call: "name value, name value".

sub grown {
    my $page = $bridge->get('/metrics')->{body};
    my %now = $page =~ /^pimap_bridge_dav_(\S+) (\d+)$/mg;
    my @grown;

    foreach my $name (sort(keys(%now))) {
        my $n = $now{$name} - ($before{$name} // 0);

        push(@grown, $name =~ s/_total|"//gr . ($n > 0 ? '+' : '') . $n)
            if $n;
    }

    %before = %now;
    return join(' ', @grown);
}


# Waits until the next round, or so many, have ended.

sub round {
    my ($wanted) = @_;

    my $rounds = sub {
        my $n = 0;
        $n += $_ for $bridge->get('/metrics')->{body}
            =~ /^pimap_bridge_dav_rounds_total\S+ (\d+)$/mg;
        return $n;
    };
    my $n = $rounds->();

    $t->redis()->command('PUBLISH', 'pimap:poke', 'alice');
    $t->wait_for(sub { $rounds->() >= $n + ($wanted // 1) }, 'a round');

    return grown();
}

# A round that found changes, with this number of successful requests.

sub changed {
    my ($good, @refused) = @_;

    return join(' ', "pokes+1 requests{result=good}+$good", @refused,
        'rounds{result=changed}+1');
}

is(grown(), 'accounts+1 collections+2 lists+2 requests{result=good}+6 '
    . 'requests{result=redirect}+2 rounds{result=same}+1',
    'the first round is counted');

my $same = 'pokes+1 requests{result=good}+1 rounds{result=same}+1';
my $refused = 'requests{result=refused}+1';

is(round(), $same, 'nothing has changed: a round takes one request');
is(round(), $same, 'the next round takes one request, too');

# Changes

$dav->put("/alice/book/$_.vcf", $dav->card($_, $_)) for 1 .. 3;
is(round(), 'changes{what=changed}+3 ' . changed(2),
    'three new contacts are counted');

$dav->delete('/alice/book/1.vcf');
$dav->put('/alice/cal/1.ics', $dav->event('1', 'Lunch'));
is(round(), 'changes{what=changed}+1 changes{what=removed}+1 ' . changed(3),
    'a deleted contact and a new calendar event are counted');

$dav->make('/alice/team/', 'addressbook', 'Team');
is(round(), 'changes{what=created}+1 collections+1 lists+1 ' . changed(2),
    'a new address book is counted');
$dav->rename('/alice/team/', 'The team');
is(round(), 'changes{what=updated}+1 ' . changed(2),
    'a renamed address book is counted');
$dav->delete('/alice/team/');
is(round(2), 'changes{what=deleted}+1 collections-1 pokes+1 '
    . 'requests{result=good}+2 rounds{result=changed}+1 rounds{result=same}+1',
    'a deleted address book is looked for twice, and counted');

# The server forgets its sync tokens.

remove_tree(glob($dav->dir() . '/collection-root/alice/*/.Radicale.cache'));
$dav->put('/alice/book/4.vcf', $dav->card('4', 'Four'));
is(round(), 'changes{what=changed}+1 lists+2 '
    . changed(3, $refused =~ s/1$/2/r),
    'the invalid tokens of both collections are counted');

# Updates; a round follows each update that changed something.  The first
# round, and the second look for the deleted book, had no poke.

my %put = (update => 'dav.put', href => '/alice/book/5.vcf',
    text => $dav->card('5', 'Five'));

is($device->update(%put)->{status}, 'done', 'an update puts an object');
$t->wait_for(sub { $bridge->metric('dav_pokes_total')
    == $bridge->metric('dav_rounds_total{result="same"}') - 2
    + $bridge->metric('dav_rounds_total{result="changed"}') }, 'a round');
is($device->update(%put, text => $dav->card('5', 'Six'))->{status},
    'conflict', 'a second put: conflict');
is($device->update(%put, href => '/bob/book/5.vcf')->{status}, 'invalid',
    'an update of another account: invalid');
is(grown(), 'changes{what=changed}+1 ' . changed(4, $refused)
    . ' updates{status=conflict}+1 updates{status=done}+1 '
    . 'updates{status=invalid}+1', 'the updates are counted');

# The server is away, then back.

$dav->stop();
round();
ok($t->wait_for(sub { ($bridge->metric('dav_accounts') // 1) == 0 }),
    'server away: the account is not watched');
cmp_ok($bridge->metric('dav_failures_total{reason="away"}'), '>=', 1,
    'the failure is counted');
cmp_ok($bridge->metric('dav_rounds_total{result="failed"}'), '>=', 1,
    'the failed round is counted');
cmp_ok($bridge->metric('dav_requests_total{result="lost"}'), '>=', 1,
    'the request without an answer is counted');
is($bridge->metric('dav_collections'), 0, 'no collections are counted');
$dav->start();
ok($t->wait_for(sub { $bridge->metric('dav_accounts') == 1 }),
    'server back: the account is watched');
is($bridge->metric('dav_collections'), 2, 'its collections are counted again');

# Radicale refuses the login of another account.

my $bob = $device->of('bob');
$bob->park();
ok($t->wait_for(sub {
    $bridge->metric('dav_failures_total{reason="credentials"}') == 1
}), 'the login is refused');
is($bridge->metric('dav_requests_total{result="login"}'), 1,
    'the answer 401 is counted');

$device->stop();

#!/usr/bin/perl

# A session fails in its first look, after the list of mailboxes.  The next one
# has the list, and tells the devices to look themselves, once.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Bridge;
use Pimap::FakeImap;

my $t = Pimap->new(http => 'pimap_presence on;');
$t->plan(5);
$t->run();

my $fake = Pimap::FakeImap->new(t => $t)->start();
my %mail = (INBOX => [5, 1], Lists => [6, 1]);
my @login = Pimap::FakeImap->until_login('IDLE LIST-EXTENDED LIST-STATUS');

$fake->script(@login, ['serve', \%mail, 'LIST'], ['read', 'EXAMINE'],
    ['close']);

my $device = $t->park('alice', query => 'device=phone');

$device->{looks} = 1;
$device->read_until(qr/: parked\n.*\n\n/);

my $bridge = Pimap::Bridge->new(t => $t, imap => $fake->port(),
    sessions => 'backoff_max = "300ms";', server => Pimap::Bridge->master())
    ->start();

ok($t->wait_for(sub { $bridge->log() =~ /session with .* ended/ }, 'the end'),
    'a session fails after the list of mailboxes');
ok($device->quiet(0), '    no device was told to look yet');

$fake->script(@login, ['serve', \%mail, 'LOGOUT']);

is($device->event()->{data}, '{"event":"MailboxResync"}',
    'the next session: devices look at all mailboxes');
ok($bridge->watches(1), '    the account is watched');
ok($device->quiet(0.5), '    no device is told twice');

$device->close();
$bridge->stop();

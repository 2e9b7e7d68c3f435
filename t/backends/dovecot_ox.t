#!/usr/bin/perl

# Dovecot's own OX driver: a delivery to the INBOX of a subscribed user reaches
# the device; nothing has to be installed in Dovecot.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dovecot;

my $t = Pimap->new();
$t->plan(7);
$t->run();

my $dovecot = Pimap::Dovecot->new(t => $t, driver => 'ox',
    url => 'http://127.0.0.1:' . $t->port('http') . '/publish')->start();

my $s = $t->park('alice');
ok($s->read_until(qr/^event: parked\n.*\n\n/m), 'the device is parked');
ok($t->subscribed('alice'), 'the worker has subscribed');

my $imap = $dovecot->imap();
$imap->command('SETMETADATA "" '
    . '(/private/vendor/vendor.dovecot/http-notify "user=alice")');

$dovecot->deliver(to => 'alice', subject => 'greetings',
    body => 'first');

my $event = $s->event();
my $json = $event->{json};

is($event->{event}, 'MessageNew',
    'a delivery to alice: the device gets an event');
is_deeply([@{$json}{qw(mailbox uid subject from unseen)}],
    ['INBOX', 1, 'greetings', '<bob@example.net>', 1], '    with its members');
like($json->{uidvalidity}, qr/^\d+$/, '    with its UIDVALIDITY');

# bob has no such subscription.
$dovecot->deliver(to => 'bob', subject => 'x');
$imap->command('SELECT INBOX');
$imap->command('STORE 1 +FLAGS (\Seen)');
$imap->logout();

$dovecot->deliver(to => 'alice', subject => 'two');
is($s->event()->{json}{uid}, 2, 'only deliveries to alice reach the device');
unlike($dovecot->log(), qr/Error/, 'no error in the log of Dovecot');

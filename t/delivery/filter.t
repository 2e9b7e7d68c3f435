#!/usr/bin/perl

# A device gets the events of its account that pass its filter: by JMAP type,
# by mailbox, by collection, by name, and by all of them together.  The others
# are counted.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $cafe = "Caf\x{e9}/\x{65e5}\x{672c}";

# Their numbers are their places here, from 1.

my @events = (
    { event => 'MessageNew', mailbox => 'INBOX' },
    { event => 'MessageNew', mailbox => 'Lists/a,b' },
    { event => 'MessageAppend', mailbox => 'INBOX' },
    { event => 'FlagsSet', mailbox => 'INBOX/Sub' },
    { event => 'MessageRead', mailbox => $cafe },
    { event => 'MailboxRename', mailbox => 'New', oldMailbox => 'Old' },
    { event => 'MailboxCreate', mailbox => 'inbox' },
    { event => 'QuotaExceed' },
    { event => 'ContactChange', collection => '/alice/friends/' },
    { event => 'CalendarChange', collection => '/alice/a%2Cb,c/' },
    { event => 'Vendor.Thing' },
    { '@type' => 'StateChange', changed => { a => { Email => 's' } } },
    { '@type' => 'StateChange', changed => { a => { NoSuch => 's' },
        b => { Quota => 's' } } },
    { '@type' => 'CalendarAlert' },
);

my @all = (1 .. @events);

my @cases = (
    # query, the events that pass
    ['', @all],
    ['types=*', @all],
    ['types=%2A', @all],
    ['types=EmailDelivery', 1, 2],
    ['types=Email', 1 .. 5, 12],
    ['types=Thread', 1 .. 4],
    ['types=Mailbox', 1 .. 7],
    ['types=Quota', 8, 13],
    ['types=ContactCard', 9],
    ['types=AddressBook,Calendar', 9, 10],
    ['types=CalendarAlert', 14],
    ['types=EmailDelivery%2CQuota', 1, 2, 8, 13],
    ['types=NoSuch', 13],
    ['types=email', 13],            # types that are not known are one
    ['types=Emails,Foo,Quota', 8, 13],

    ['mailboxes=INBOX', 1, 3, 8 .. 14],
    ['mailboxes=Lists%2Fa%2Cb', 2, 8 .. 14],
    ['mailboxes=Lists/a%2Cb,inbox', 2, 7, 8 .. 14],
    ['mailboxes=Lists/a,b', 8 .. 14],
    ['mailboxes=INBOX/Sub', 4, 8 .. 14],
    ['mailboxes=INBO,INBOX/,INBOXX', 8 .. 14],
    ['mailboxes=Caf%C3%A9%2F%E6%97%A5%E6%9C%AC', 5, 8 .. 14],
    ["mailboxes=Caf\xc3\xa9/%e6%97%a5%e6%9c%ac", 5, 8 .. 14],
    ['mailboxes=Cafe', 8 .. 14],
    ['mailboxes=Old', 6, 8 .. 14],
    ['mailboxes=New', 6, 8 .. 14],
    ['mailboxes=*', 8 .. 14],

    ['collections=/alice/friends/', 1 .. 9, 11 .. 14],
    ['collections=%2Falice%2Ffriends%2F', 1 .. 9, 11 .. 14],
    ['collections=/alice/a%252Cb%2Cc/', 1 .. 8, 10 .. 14],
    ['collections=/alice/a%252Cb%2Cc/,/alice/friends/', @all],
    ['collections=/alice/friends,/alice/,/alice/friends/x', 1 .. 8, 11 .. 14],
    ['collections=/alice/a%2Cb%2Cc/', 1 .. 8, 11 .. 14],
    ['collections=INBOX', 1 .. 8, 11 .. 14],

    ['events=MessageNew', 1, 2],
    ['events=MessageNew,QuotaExceed', 1, 2, 8],
    ['events=Vendor.Thing', 11],
    ['events=state', 12, 13],
    ['events=calendarAlert', 14],
    ['events=messagenew,Message,MessageNewer'],

    ['types=Email&events=MessageNew,MailboxCreate', 1, 2],
    ['types=Email&mailboxes=INBOX', 1, 3, 12],
    ['mailboxes=INBOX,Old&events=MessageNew,MailboxRename', 1, 6],
    ['types=Mailbox&mailboxes=INBOX&events=FlagsSet'],
    ['mailboxes=INBOX&collections=/alice/friends/', 1, 3, 8, 9, 11 .. 14],
    ['types=Calendar&collections=/alice/friends/'],
    ['events=ContactChange&collections=/alice/friends/', 9],
    ['types=Thread&mailboxes=INBOX&events=MessageNew&closeafter=no', 1],
);

my $passed = 0;
$passed += @$_ - 1 for @cases;

my $t = Pimap->new();
$t->plan(@cases + 5);
$t->run();

my @devices = map {
    my $s = $t->park('alice', query => $_->[0]);
    $s->read_until(qr/: parked\n.*\n\n/);
    $s;
} @cases;

ok($t->subscribed('alice'), 'parked');

my $n = 0;
$t->redis()->publish('alice', { %$_, n => ++$n }) for @events;

ok($t->wait_for(sub {
    my $events = $t->status()->{events};
    $events->{delivered} + $events->{filtered} == @events * @cases
}, 'all events'), 'each event was delivered or filtered');

my $events = $t->status()->{events};

is($events->{filtered}, @events * @cases - $passed,
    'filtered events are counted');
is($events->{delivered}, $passed, 'delivered events are counted');
is($events->{received} - $events->{invalid}, 0 + @events, 'all are valid');

# All events are in the sockets by now.

for (@cases) {
    my ($query, @expected) = @$_;
    my $s = shift(@devices);
    my @got;

    while (my $event = $s->event(0.02)) {
        push(@got, $event->{json}{n});
    }

    is("@got", "@expected", "filter \"$query\"");
}

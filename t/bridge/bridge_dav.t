#!/usr/bin/perl

# Address books and calendars on real servers. Changes of collections and
# objects by other clients become events, each once. The initial content causes
# no event. Changes during a stop are published afterwards.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;

my %homes = (
    radicale => { book => '/alice/book/', cal => '/alice/cal/',
        new => '/alice/team/' },
    xandikos => { book => '/alice/contacts/addressbook/',
        cal => '/alice/calendars/calendar/',
        new => '/alice/contacts/team/' },
);

my $t = Pimap->new();
$t->plan(2 * 21);

foreach my $kind (qw(radicale xandikos)) {
    my $dav = Pimap::Dav->new(t => $t, kind => $kind)->start();
    my ($book, $cal, $new) = @{ $homes{$kind} }{qw(book cal new)};

    if ($kind eq 'radicale') {
        is($dav->make($book, 'addressbook', 'Friends'), 201,
            'a client makes an address book');
        is($dav->make($cal, 'calendar', 'Work'), 201,
            'a client makes a calendar');

    } else {
        pass('the server has an address book');
        pass('the server has a calendar');
    }

    $dav->put("${book}0.vcf", $dav->card('0', 'Zero'));

    my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();

    is($s->wait_ready(), 'polling', "$kind: the collections are found");
    is_deeply([$s->published()], [], 'existing objects cause no event');
    is_deeply([sort keys %{ $s->states() }],
        ["\tdav", sort("\tdav:$book", "\tdav:$cal")],
        'both collections are watched');

    $dav->put("${book}1.vcf", $dav->card('1', 'Ann'));
    my $event = $s->event('ContactChange');
    my $etag = $dav->etags($book)->{"${book}1.vcf"};

    is($event->{collection}, $book,
        'a client puts a card: the event names the collection');
    is_deeply($event->{changed}, [{ href => "${book}1.vcf",
        etag => $etag }], '    and only this card');
    ok($event->{syncToken}, '    with a token');

    $dav->put("${book}1.vcf", $dav->card('1', 'Anna'));
    $event = $s->event('ContactChange');
    isnt($event->{changed}[0]{etag}, $etag,
        'a client changes it: the event has the new etag');

    $dav->delete("${book}1.vcf");
    $event = $s->event('ContactChange');
    is_deeply([@{$event}{qw(changed removed)}], [[], ["${book}1.vcf"]],
        'a client deletes it: the event lists it as removed');

    $dav->put("${cal}e.ics", $dav->event('e', 'Lunch'));
    is($s->event('CalendarChange')->{changed}[0]{href}, "${cal}e.ics",
        'a client puts a calendar event: an event is published');

    is($dav->make($new, 'addressbook', 'Team'), 201,
        'a client makes another address book');
    $event = $s->event('AddressBookCreate');
    is($event->{collection}, $new, '    an event is published');

    $dav->put("${new}2.vcf", $dav->card('2', 'Bob'));
    is($s->event('ContactChange')->{changed}[0]{href}, "${new}2.vcf",
        '    its card is published, too');

    $dav->rename($new, 'The team');
    is($s->event('AddressBookUpdate')->{name}, 'The team',
        'renamed: an event is published');

    # Changes while the session is stopped.

    $s->stop();
    $dav->put("${book}3.vcf", $dav->card('3', 'Carl'));
    $dav->delete("${book}0.vcf");
    $dav->stop();
    $dav->start();
    $s->start();

    $event = $s->event('ContactChange');
    is_deeply([$event->{changed}[0]{href}, $event->{removed}],
        ["${book}3.vcf", ["${book}0.vcf"]],
        'the missed changes are published later');
    is($s->wait_ready(), 'polling', 'the session is ready again');

    # An invalid token: the session looks at all objects once and publishes
    # nothing.

    $s->stop();
    $s->states()->{"\tdav:$book"}{token} = 'http://radicale.org/ns/sync/x';
    $s->states()->{"\tdav:$book"}{seen} = 'x';
    $s->start();
    is($s->wait_ready(), 'polling',
        'the stored token is invalid: the session is ready');
    is_deeply([$s->published()], [], '    no false event is published');

    $dav->delete($new);
    is($s->event('AddressBookDelete')->{collection}, $new,
        'a client deletes the address book: an event is published');

    my $requests = $s->update(update => 'count')->{requests};
    ok($requests > 2, "requests: $requests");

    $s->stop();
    $dav->stop();
}

#!/usr/bin/perl

# Address books and calendars on real servers: what other clients do there
# becomes events, of collections and of objects, each once; what was there at
# the beginning is none, and what happened in between is told afterwards.

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
        is($dav->make($book, 'addressbook', 'Friends'), 201, 'a book');
        is($dav->make($cal, 'calendar', 'Work'), 201, 'a calendar');

    } else {
        pass('has a book');
        pass('has a calendar');
    }

    $dav->put("${book}0.vcf", $dav->card('0', 'Zero'));

    my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();

    is($s->wait_ready(), 'polling', "$kind: found");
    is_deeply([$s->published()], [], 'what is there is no event');
    is_deeply([sort keys %{ $s->states() }],
        ["\tdav", sort("\tdav:$book", "\tdav:$cal")], 'both are watched');

    $dav->put("${book}1.vcf", $dav->card('1', 'Ann'));
    my $event = $s->event('ContactChange');
    my $etag = $dav->etags($book)->{"${book}1.vcf"};

    is($event->{collection}, $book, 'a card is new');
    is_deeply($event->{changed}, [{ href => "${book}1.vcf",
        etag => $etag }], 'it alone');
    ok($event->{syncToken}, 'with a token');

    $dav->put("${book}1.vcf", $dav->card('1', 'Anna'));
    $event = $s->event('ContactChange');
    isnt($event->{changed}[0]{etag}, $etag, 'changed');

    $dav->delete("${book}1.vcf");
    $event = $s->event('ContactChange');
    is_deeply([@{$event}{qw(changed removed)}], [[], ["${book}1.vcf"]],
        'removed');

    $dav->put("${cal}e.ics", $dav->event('e', 'Lunch'));
    is($s->event('CalendarChange')->{changed}[0]{href}, "${cal}e.ics",
        'an event of a calendar');

    is($dav->make($new, 'addressbook', 'Team'), 201, 'another book');
    $event = $s->event('AddressBookCreate');
    is($event->{collection}, $new, 'seen');

    $dav->put("${new}2.vcf", $dav->card('2', 'Bob'));
    is($s->event('ContactChange')->{changed}[0]{href}, "${new}2.vcf",
        'and what is in it');

    $dav->rename($new, 'The team');
    is($s->event('AddressBookUpdate')->{name}, 'The team', 'renamed');

    # While nobody looks.

    $s->stop();
    $dav->put("${book}3.vcf", $dav->card('3', 'Carl'));
    $dav->delete("${book}0.vcf");
    $dav->stop();
    $dav->start();
    $s->start();

    $event = $s->event('ContactChange');
    is_deeply([$event->{changed}[0]{href}, $event->{removed}],
        ["${book}3.vcf", ["${book}0.vcf"]], 'missed, and told later');
    is($s->wait_ready(), 'polling', 'again');

    # A token that the server does not know: one look at all, and no event.

    $s->stop();
    $s->states()->{"\tdav:$book"}{token} = 'http://radicale.org/ns/sync/x';
    $s->states()->{"\tdav:$book"}{seen} = 'x';
    $s->start();
    is($s->wait_ready(), 'polling', 'invalid token');
    is_deeply([$s->published()], [], 'no false event');

    $dav->delete($new);
    is($s->event('AddressBookDelete')->{collection}, $new, 'deleted');

    my $requests = $s->update(update => 'count')->{requests};
    ok($requests > 2, "requests: $requests");

    $s->stop();
    $dav->stop();
}

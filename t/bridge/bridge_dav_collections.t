#!/usr/bin/perl

# Which collections are watched: all of the homes that are found from an
# address, a root, a principal or a home, or the one that was configured; their
# colours and components.  Devices choose by kind and by collection, and get
# what they have missed.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new(Pimap::DavDevice->nginx());
$t->plan(28);

my $ical = 'http://apple.com/ns/ical/';
my $card = 'http://inf-it.com/ns/ab/';

# Where to begin

my @all = qw(/alice/book/ /alice/cal/ /alice/tasks/);
my $dav = Pimap::Dav->new(t => $t)->start();

$dav->make('/alice/book/', 'addressbook', 'Friends');
$dav->make('/alice/cal/', 'calendar', 'Work');
calendar('/alice/tasks/', 'Tasks', 'VTODO', '#ff0000ff');

is_deeply(watched($dav, $_), [@all], 'radicale: from ' . ($_ // 'nowhere'))
    for undef, '/', '/%u/', '/alice', '/alice/book/';
like(watched($dav, '/alice/book/nothing/'), qr/neither/, 'nothing there');

# A server that does not say who the user is: what was configured is watched.

my $fake = Pimap::FakeDav->new(t => $t)->start();
my $listed = Pimap::FakeDav::multistatus(Pimap::FakeDav::response('/book/',
    '<D:resourcetype><D:collection/><A:addressbook/></D:resourcetype>'));

$fake->behave({ PROPFIND => { body => $listed } });
is_deeply(watched($fake, '/book/'), ['/book/'], 'one book');
is_deeply(watched($fake, '/book'), ['/book/'], '    and without a slash');
like(watched($fake), qr/neither/, 'nothing that is known');

my $xandikos = Pimap::Dav->new(t => $t, kind => 'xandikos')->start();
my @homes = ('/alice/calendars/calendar/', '/alice/contacts/addressbook/');

is_deeply(watched($xandikos, $_), [@homes], 'xandikos: from '
    . ($_ // 'nowhere')) for undef, '/', '/%u/', '/alice/contacts/';
$xandikos->stop();

# What they are like

my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();
$s->wait_ready();

calendar('/alice/plans/', 'Plans', 'VEVENT', '#00ff00ff');
my $event = $s->event('CalendarCreate');
is_deeply([@{$event}{qw(name color components)}],
    ['Plans', '#00ff00ff', ['VEVENT']], 'a calendar with a colour');

colour('/alice/plans/', $ical, 'calendar-color', '#0000ffff');
$event = $s->event('CalendarUpdate');
is_deeply([@{$event}{qw(name oldName color)}], ['Plans', undef, '#0000ffff'],
    'recoloured');
colour('/alice/book/', $card, 'addressbook-color', '#123456ff');
is($s->event('AddressBookUpdate')->{color}, '#123456ff', 'a book, too');
$dav->rename('/alice/plans/', 'Trips');
$event = $s->event('CalendarUpdate');
is_deeply([@{$event}{qw(name oldName color)}], ['Trips', 'Plans',
    '#0000ffff'], 'renamed');
is($dav->delete('/alice/plans/'), 200, 'deleted');
is($s->event('CalendarDelete')->{collection}, '/alice/plans/', 'as it says');
$s->stop();

%{ $s->states() } = ();
$s->start(max_collections => 2);
ok($s->line(sub { ($_[0]{text} // '') =~ /too many collections/ }),
    'more than we want, which is said');
is($s->wait_ready(), 'polling', '    the others');
is(scalar(grep { /^\tdav:/ } keys(%{ $s->states() })), 2, '    are watched');
$s->stop();

# A device that wants some of it.

my $device = Pimap::DavDevice->new(t => $t, url => $dav->url())->start();

ok($device->park(query => 'types=ContactCard') && $device->wait_watched(),
    'contacts only');
$dav->put('/alice/cal/1.ics', $dav->event('1', 'Lunch'));
$dav->put('/alice/book/1.vcf', $dav->card('1', 'Ann'));
my $first = $device->{stream}->event();
is("$first->{event} $first->{json}{changed}[0]{href}",
    'ContactChange /alice/book/1.vcf', 'a contact, and no calendar');
$device->{stream}->close();

# It resumes; now it wants a calendar.

$dav->put('/alice/book/2.vcf', $dav->card('2', 'Bob'));
$dav->put('/alice/tasks/2.ics', $dav->event('2', 'Buy'));
$t->wait_for(sub { $device->bridge()->metric('events_published_total') >= 4 },
    'events');
ok($first->{id}, 'an id');
$device->park(query => 'collections=/alice/tasks/',
    headers => { 'Last-Event-ID' => $first->{id} });
like($device->change('CalendarChange', '/alice/tasks/2.ics')->{etag}, qr/./,
    'what it has missed');
$dav->put('/alice/cal/3.ics', $dav->event('3', 'Dinner'));
$dav->put('/alice/tasks/3.ics', $dav->event('3', 'Sell'));
my ($next) = grep { $_->{event} ne 'ping' } $device->{stream}->event();
is($next->{json}{collection}, '/alice/tasks/', 'of this calendar only');
is($next->{json}{changed}[0]{href}, '/alice/tasks/3.ics', 'the next one');

$device->stop();


# The collections, or why there are none.

sub watched {
    my ($server, $path) = @_;

    my $s = Pimap::DavSession->new(t => $t, url => $server->url(),
        defined $path ? (path => $path) : ())->start();
    my $line = $s->line(sub { $_[0]{what} =~ /^(?:ready|failed)$/ });

    $s->stop();

    return $line->{why} if $line->{what} eq 'failed';
    return [sort(map { /^\tdav:(.*)/ } keys(%{ $s->states() }))];
}


sub calendar {
    my ($path, $name, $component, $color) = @_;

    return $dav->request('MKCALENDAR', $path, <<END, 'Content-Type' =>
<?xml version="1.0"?>
<C:mkcalendar xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"
xmlns:I="$ical"><D:set><D:prop><D:displayname>$name</D:displayname>
<I:calendar-color>$color</I:calendar-color>
<C:supported-calendar-component-set><C:comp name="$component"/>
</C:supported-calendar-component-set></D:prop></D:set></C:mkcalendar>
END
        'application/xml');
}


sub colour {
    my ($path, $ns, $name, $color) = @_;

    return $dav->request('PROPPATCH', $path, <<END, 'Content-Type' =>
<?xml version="1.0"?>
<D:propertyupdate xmlns:D="DAV:" xmlns:X="$ns"><D:set><D:prop>
<X:$name>$color</X:$name></D:prop></D:set></D:propertyupdate>
END
        'application/xml');
}

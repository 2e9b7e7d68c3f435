#!/usr/bin/perl

# tsdav, a client of another project, and a parked device on Radicale and
# Xandikos. Each sees the contacts and calendar events that the other creates,
# changes and deletes. An update that comes too late overwrites nothing.

use strict;
use warnings;

use JSON::PP;
use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavDevice;
use Pimap::Stream;

my $json = JSON::PP->new()->utf8()->allow_nonref();
my @servers = qw(radicale xandikos);
my %t = map { $_ => Pimap->new(Pimap::DavDevice->nginx()) } @servers;

my %kinds = (
    contacts => { type => 'carddav', find => 'fetchAddressBooks',
        event => 'ContactChange', in => 'addressBook', object => 'vCard',
        text => 'vCardString', list => 'fetchVCards',
        create => 'createVCard', update => 'updateVCard',
        delete => 'deleteVCard', files => ['ann.vcf', 'bob.vcf'],
        make => sub { Pimap::Dav->card($_[1] // 'one', $_[0]) } },
    events => { type => 'caldav', find => 'fetchCalendars',
        event => 'CalendarChange', in => 'calendar',
        object => 'calendarObject', text => 'iCalString',
        list => 'fetchCalendarObjects', create => 'createCalendarObject',
        update => 'updateCalendarObject', delete => 'deleteCalendarObject',
        files => ['lunch.ics', 'trip.ics'],
        make => sub { Pimap::Dav->event($_[1] // 'one', $_[0]) } },
);

$t{radicale}->plan(@servers * (2 * 18 + 6));

# A line of input is a method of a client and its argument; a line of output is
# the result.

my $script = <<'END';
const { DAVClient } = require('tsdav');
const clients = {};

async function call(kind, method, args) {
    if (method === 'login') {
        clients[kind] = new DAVClient({ serverUrl: args,
            credentials: { username: 'alice', password: 'secret' },
            authMethod: 'Basic', defaultAccountType: kind });
        return clients[kind].login();
    }

    const result = await clients[kind][method](args);

    return result instanceof Response ? { status: result.status } : result;
}

let queue = Promise.resolve();

require('readline').createInterface({ input: process.stdin })
    .on('line', line => { queue = queue.then(() => call(...JSON.parse(line)))
        .catch(error => ({ error: error.message }))
        .then(result => console.log(JSON.stringify(result ?? null))); });
END

foreach my $server (@servers) {
    my $t = $t{$server};
    my $dav = Pimap::Dav->new(t => $t, kind => $server)->start();
    my $url = $dav->url();
    my $device = Pimap::DavDevice->new(t => $t, url => $url);
    my $home = '/alice/calendars/';

    if ($server eq 'radicale') {
        $home = '/alice/';
        $dav->make('/alice/book/', 'addressbook', 'Friends');
        $dav->make('/alice/cal/', 'calendar', 'Work');
    }

    my $process = $t->start(pipe => 1, input => 1,
        errors => $t->dir() . '/client.err',
        command => ['node', $t->write_file($t->dir() . '/client.js', $script)],
        env => { NODE_PATH => $t->root() . '/build/npm/node_modules' });
    my $said = Pimap::Stream->new(process => $process, unchunked => 1);

    $said->{head} = '';             # its output is not HTTP

    my $tsdav = sub {
        $process->type($json->encode([@_]) . "\n");
        return $json->decode($said->read_until(qr/\A.*\n/)
            // die $t->read_file($t->dir() . '/client.err'));
    };

    ok($device->start()->park() && $device->wait_watched(),
        "$server: the device is parked");

    foreach my $kind (sort(keys(%kinds))) {
        my $k = $kinds{$kind};
        my $call = sub {
            my ($method, @args) = @_;
            return $tsdav->($k->{type}, $k->{$method} // $method, @args);
        };

        is(($call->('login', $url) // {})->{error}, undef,
            "$server: tsdav logs in, $kind");
        both($k, $dav, $device, $call, $call->('find')->[0]);
    }

    # A collection of its own.

    my $path = "${home}trips/";

    is($tsdav->('caldav', 'makeCalendar', { url => "$url$path",
        props => { displayname => 'Trips' } })->[0]{status}, 201,
        'tsdav makes a calendar');
    my $event = $device->event('CalendarCreate');
    is("$event->{collection} $event->{name}", "$path Trips",
        'the device gets an event');
    like($tsdav->('caldav', 'deleteObject', { url => "$url$path" })->{status},
        qr/^20[04]$/, 'tsdav deletes the calendar');
    is($device->event('CalendarDelete')->{collection}, $path,
        'the device gets an event');
    unlike($device->bridge()->log(), qr/\[error\]|secret/,
        "no error in the log of the bridge");

    $device->stop();
    $process->hush();
    $t->stop($process);
}


# An object that tsdav makes, and an object that the device makes.

sub both {
    my ($k, $dav, $device, $call, $in) = @_;

    my ($path) = $in->{url} =~ m{^http://[^/]*(/.*)};
    my ($href, $other) = map { $path . $_ } @{ $k->{files} };
    my $told = sub { $device->change($k->{event}, $_[0]) };
    my $object = sub {
        my ($at, %object) = @_;
        return { $k->{object} => { url => $dav->url() . $at, %object } };
    };
    my $has = sub {             # (Xandikos fails when it is asked for all)
        my ($at) = @_;
        my $list = $call->('list', { $k->{in} => $in,
            objectUrls => [$dav->url() . $at] });
        return ref($list) eq 'ARRAY' ? $list->[0] : $list;
    };

    # tsdav creates and changes an object.

    is($call->('create', { $k->{in} => $in, filename => $k->{files}[0],
        $k->{text} => $k->{make}->('One') })->{status}, 201,
        'tsdav creates an object');
    my $first = $told->($href);
    like($first->{content}, qr/:One\b/, 'the device gets it');

    like($call->('update', $object->($href, data => $k->{make}->('Two'),
        etag => $first->{etag}))->{status}, qr/^20[014]$/,
        'tsdav changes the object');
    my $second = $told->($href);
    like($second->{content}, qr/:Two\b/, 'the device gets the change');

    # First the device has an old etag, then the current etag; then tsdav has
    # an old etag.

    my %put = (update => 'dav.put', href => $href,
        text => $k->{make}->('Three'));

    my $result = $device->update(%put, etag => $first->{etag});
    is($result->{status}, 'conflict',
        'the device puts with an old etag: conflict');
    like($result->{text}, qr/:Two\b/, 'the result has the current text');
    $result = $device->update(%put, etag => $second->{etag});
    is($result->{status}, 'done',
        'the device puts with the current etag: done');
    is($told->($href)->{etag}, $result->{etag},
        'the device gets an event with the etag');
    like($has->($href)->{data}, qr/:Three\b/, 'tsdav gets the change');
    is($call->('update', $object->($href, data => $k->{make}->('Four'),
        etag => $second->{etag}))->{status}, 412,
        'tsdav puts with an old etag: refused');

    is($device->update(update => 'dav.put', href => $other,
        text => $k->{make}->('Other', 'other'))->{status}, 'done',
        'the device creates an object');
    ok($told->($other)->{etag}, 'the device gets an event');
    my $got = $has->($other);
    like($got->{data}, qr/:Other\b/, 'tsdav gets the object');

    # Each deletes an object of the other.

    is($device->update(update => 'dav.delete', href => $href,
        etag => $result->{etag})->{status}, 'done',
        'the device deletes an object');
    like($has->($href)->{error}, qr/404/, 'tsdav does not find it');
    like($call->('delete', $object->($other, etag => $got->{etag}))->{status},
        qr/^20[04]$/, 'tsdav deletes an object');

    ok($told->($other)->{removed}, 'the device gets an event');
}

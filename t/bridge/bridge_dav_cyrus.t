#!/usr/bin/perl

# A DAV session of the bridge with Cyrus. Changes by other clients to contacts
# and calendars are published once, also those that were missed. Updates are
# carried out but never overwrite a version that the device has not seen.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Cyrus;
use Pimap::Dav;
use Pimap::DavSession;
use Pimap::FakeDav;

my $book = '/dav/addressbooks/user/alice/Default/';
my $cal = '/dav/calendars/user/alice/Default/';
my $new = '/dav/addressbooks/user/alice/team/';
my %none = ('If-None-Match' => '*');

my $t = Pimap->new();
$t->plan(72);

my $cyrus = Pimap::Cyrus->new(t => $t, dav => 'cyrus')->start()->add('alice');
my $dav = Pimap::Dav->new(t => $t, kind => 'cyrus');

# Cyrus makes the default collections at the first request.

my $s = Pimap::DavSession->new(t => $t, url => $dav->url())->start();

is($s->wait_ready(), 'polling', 'the collections are found');
is_deeply([$s->published()], [], 'existing objects cause no event');
is_deeply([sort keys %{ $s->states() }],
    ["\tdav", "\tdav:$book", "\tdav:$cal"], 'both collections are watched');

test_objects($book, 'vcf', 'ContactChange', sub { $dav->card(@_) });
test_objects($cal, 'ics', 'CalendarChange', sub { $dav->event(@_) });
test_updates($book, 'vcf', 'ContactChange', sub { $dav->card(@_) });
test_updates($cal, 'ics', 'CalendarChange', sub { $dav->event(@_) });
test_collection();
test_missed();

$s->stop();

test_lost();

test_master();

$cyrus->stop();


sub test_objects {
    my ($col, $ext, $name, $text) = @_;

    my $href = "${col}1.$ext";

    is($dav->put($href, $text->('1', 'Ann'), %none), 201,
        "$name: a client puts an object");
    my $event = $s->event($name);
    my $etag = $dav->etags($col)->{$href};

    is($event->{collection}, $col, '    an event names its collection');
    is_deeply($event->{changed}, [{ href => $href, etag => $etag }],
        '    and only this object');
    like($event->{syncToken}, qr/./, '    with a token');

    is($dav->put($href, $text->('1', 'Eve'), %none), 412,
        '    a second put with If-None-Match: refused');
    is($dav->put($href, $text->('1', 'Anna'), 'If-Match' => $etag), 204,
        '    a client changes it');
    is_deeply($s->event($name)->{changed}, [{ href => $href,
        etag => $dav->etags($col)->{$href} }], '    an event is published');

    is($dav->delete($href), 204, '    a client deletes it');
    $event = $s->event($name);
    is_deeply([@{$event}{qw(changed removed)}], [[], [$href]],
        '    an event is published');
}


sub test_updates {
    my ($col, $ext, $name, $text) = @_;

    my $href = "${col}2.$ext";
    my $r = $s->update(update => 'dav.put', href => $href,
        text => $text->('2', 'Bob'));

    is($r->{status}, 'done', 'dav.put: done') or diag(explain($r));

    my $etag = $dav->etags($col)->{$href};

    is($r->{etag}, $etag, '    the result has its etag');
    is($s->event($name)->{changed}[0]{href}, $href,
        '    an event is published');

    $r = $s->update(update => 'dav.put', href => $href,
        text => $text->('2', 'Eve'));
    is("$r->{status} $r->{etag}", "conflict $etag",
        '    put as new, but the object exists: conflict');

    $dav->put($href, $text->('2', 'Bobby'));
    my $now = $dav->etags($col)->{$href};

    $r = $s->update(update => 'dav.put', href => $href, etag => $etag,
        text => $text->('2', 'Robert'));
    is("$r->{status} $r->{etag}", "conflict $now",
        '    put over a version the device has not seen: conflict');
    like($r->{text}, qr/:Bobby/, '    the result has the current text');

    $r = $s->update(update => 'dav.get', hrefs => [$href, "${col}9.$ext"]);
    is($r->{objects}[0]{etag}, $now, 'dav.get returns the object');
    like($r->{objects}[0]{text}, qr/:Bobby/, '    with its text');
    is_deeply($r->{missing}, ["${col}9.$ext"],
        '    and lists the missing object');

    is($s->update(update => 'dav.delete', href => $href, etag => $etag)
        ->{status}, 'conflict', 'dav.delete with an old etag: conflict');
    is($s->update(update => 'dav.delete', href => $href, etag => $now)
        ->{status}, 'done', '    with the current etag: done');
    is($dav->request('GET', $href)->{status}, 404, '    the object is gone');

    1 while !@{ $s->event($name)->{removed} };
}


sub test_collection {
    is($dav->make($new, 'addressbook', 'Team'), 201,
        'a client makes another address book');
    is($s->event('AddressBookCreate')->{collection}, $new,
        '    an event is published');
    $dav->rename($new, 'The team');
    is($s->event('AddressBookUpdate')->{name}, 'The team',
        '    renamed: an event is published');
    $dav->delete($new);
    is($s->event('AddressBookDelete')->{collection}, $new,
        '    deleted: an event is published');
}


sub test_missed {
    $dav->put("${book}0.vcf", $dav->card('0', 'Zero'));
    is($s->event('ContactChange')->{changed}[0]{href}, "${book}0.vcf",
        'a new contact is published');

    # changes while the session and the server are stopped

    $s->stop('KILL');
    $dav->put("${book}3.vcf", $dav->card('3', 'Carl'));
    $dav->delete("${book}0.vcf");
    $cyrus->stop();
    $cyrus->start();
    $s->start();

    my $event = $s->event('ContactChange');

    is_deeply([$event->{changed}[0]{href}, $event->{removed}],
        ["${book}3.vcf", ["${book}0.vcf"]],
        '    the missed changes are published later');
    is($s->wait_ready(), 'polling', '    the session is ready again');

    is($s->restart()->wait_ready(), 'polling',
        '    restarted, the session is ready');
    is_deeply([$s->published()], [], '    nothing is published twice');

    # tokens unknown to the server: nonsense, and one of a former address book

    my $token = $s->states()->{"\tdav:$book"}{token};

    for my $bad ('http://localhost/ns/sync/x', $token =~ s/\d+/1/r) {
        my $r = $s->update(update => 'dav.sync', collection => $book,
            syncToken => $bad);

        ok($r->{status} eq 'refused' && $r->{invalidToken},
            "invalid token refused: $bad")
            or diag(explain($r));

        $s->stop();
        @{ $s->states()->{"\tdav:$book"} }{qw(token seen)} = ($bad, 'x');
        $s->start(poll_min => 60000, poll_max => 60000);
        is($s->wait_ready(), 'polling', '    a session with it is ready');
        is($s->update(update => 'count')->{requests}, 4,
            '    after one look at all objects');
        is_deeply([$s->published()], [], '    no false event is published');
        is($s->states()->{"\tdav:$book"}{token}, $token,
            '    Redis has a valid token');
    }
}


# A proxy loses the answers to updates.

sub test_lost {
    my $fake = Pimap::FakeDav->new(t => $t)->start();
    my %via = (via => $dav->port());
    my %update = (update => 'dav.put', href => "${book}lost.vcf");

    $fake->behave(\%via);
    $s = Pimap::DavSession->new(t => $t, url => $fake->url())->start();
    $s->wait_ready();
    $fake->behave({ %via, lose => [qw(PUT DELETE)] });

    my $r = $s->update(%update, text => $dav->card('lost', 'Ann'));
    is($r->{status}, 'done', 'create, the answer is lost: done');
    is($r->{etag}, $dav->etags($book)->{"${book}lost.vcf"}, '    its ETag');
    is($s->update(%update, update => 'dav.delete', etag => $r->{etag})
        ->{status}, 'done', '    delete: done');
    $s->stop();
    $fake->stop();
}


# Cyrus lets one user act as another only if it runs as a Murder backend.

sub test_master {
    my $m = Pimap::DavSession->new(t => $t, url => $dav->url(),
        user => 'cyrus', as => 'alice', as_header => 'Authorize-As')->start();

    like($m->wait_ready(), qr/^failed/,
        'not a Murder backend: a master user is refused');
    $m->stop();

    $cyrus->stop();
    $cyrus->{imapd} = "mupdate_server: localhost\nproxyservers: cyrus";
    $cyrus->start();

    is($m->start()->wait_ready(), 'polling',
        '    as a Murder backend: the session is ready');
    is_deeply([sort keys %{ $m->states() }],
        ["\tdav", "\tdav:$book", "\tdav:$cal"],
        '    both collections are watched');
    is($dav->put("${book}4.vcf", $dav->card('4', 'Dora')), 201,
        '    a client puts an object');
    is($m->event('ContactChange')->{changed}[0]{href}, "${book}4.vcf",
        '    an event is published');
    $m->stop();
}

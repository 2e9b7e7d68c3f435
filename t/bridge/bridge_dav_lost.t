#!/usr/bin/perl

# The answer to an update is lost, or is an error, or the server has got the
# update twice: the bridge compares, and says "done" or "unknown".  "conflict"
# is said only if another client has changed the object.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::Dav;
use Pimap::DavSession;
use Pimap::FakeDav;

my %card = map { $_ => "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:$_\r\nN:$_;;;;\r\n"
    . "UID:1\r\nEND:VCARD\r\n" } qw(ours theirs old);
my $sorted = "BEGIN:VCARD\nFN:ou\n rs\nN:ours;;;;\nUID:1\nVERSION:3.0\n"
    . "END:VCARD\n";

my ($lost, $failed, $good) = ({ close => 0 }, { status => 412, body => '' },
    { status => 204, body => '', headers => { ETag => 'W/"9"' } });

# A name; the update; the answers to it; the object after that, its ETag and
# its text, or nothing; the result.

my %change = (update => 'dav.put', etag => '"1"', text => $card{ours});
my %create = (update => 'dav.put', text => $card{ours});
my %delete = (update => 'dav.delete', etag => '"1"');

my @cases = (
    ['create, done twice', \%create, [$lost, $failed], ['"2"', $card{ours}],
        'done "2"'],
    ['create, not answered', \%create, [$lost], ['"2"', $sorted],
        'done "2"'],
    ['create, not done', \%create, [$lost], [], 'unknown gone'],
    ['create, again by the device', \%create, [$failed],
        ['"2"', $card{ours}], 'done "2"'],
    ['create, there is another one', \%create, [$failed],
        ['"2"', $card{theirs}], 'conflict "2" theirs'],
    ['change, done twice', \%change, [$lost, $failed], ['"2"', $card{ours}],
        'done "2"'],
    ['change, done twice, by another one, too', \%change, [$lost, $failed],
        ['"3"', $card{theirs}], 'unknown "3" theirs'],
    ['change, not done', \%change, [$lost], ['"1"', $card{old}],
        'unknown "1" old'],
    ['change, an error after it is done', \%change, [{ status => 502,
        body => '' }], ['"2"', $card{ours}], 'done "2"'],
    ['change, deleted meanwhile', \%change, [$lost, { status => 404,
        body => '' }], [], 'unknown gone'],
    ['change, by another one', \%change, [$failed], ['"3"', $card{theirs}],
        'conflict "3" theirs'],
    ['change, 412 with the same ETag', \%change, [$failed],
        ['"1"', $card{old}], 'refused "1" old'],
    ['delete, done twice', \%delete, [$lost, { status => 404, body => '' }],
        [], 'done'],
    ['delete, an error after it is done', \%delete, [{ status => 500,
        body => '' }], [], 'done'],
    ['delete, not done', \%delete, [$lost], ['"1"', $card{old}],
        'unknown "1" old'],
    ['delete, changed by another one', \%delete, [$failed],
        ['"3"', $card{theirs}], 'conflict "3" theirs'],
    ['delete, deleted by another one', \%delete, [{ status => 404,
        body => '' }], [], 'conflict gone'],
    ['a weak ETag, the server wants the strong one', { %change,
        etag => 'W/"1"' }, [$failed, $good], ['W/"1"', $card{old}],
        'done W/"9"'],
    ['a weak ETag, the server wants none', { %delete, etag => 'W/"1"' },
        [$failed], ['W/"1"', $card{old}], 'refused W/"1" old'],
    ['a weak ETag, sent as a strong one', \%change, [$failed, $good],
        ['W/"1"', $card{old}], 'done W/"9"'],
);

my $t = Pimap->new();
$t->plan(@cases + 4 + 2 * 6);

my $fake = Pimap::FakeDav->new(t => $t)->start();
my %calm = (book => { 'a.vcf' => '"1"' }, ctag => 1);

$fake->behave(\%calm);

my $s = Pimap::DavSession->new(t => $t, url => $fake->url(),
    max_connections => 1)->start();
$s->wait_ready();

for (@cases) {
    my ($name, $update, $answers, $object, $result) = @$_;

    $fake->behave({ %calm, REPORT => report(@$object),
        ($update->{update} eq 'dav.put' ? 'PUT' : 'DELETE') => $answers });
    is(shown($s->update(%$update, href => '/book/a.vcf')), $result, $name);
}

is($fake->noted(qr/if W\/"1"/), 3, 'a weak ETag is sent as it is');

# The object can't be fetched.

$fake->behave({ %calm, PUT => $lost, REPORT => { status => 500,
    body => '' } });
is(shown($s->update(%change, href => '/book/a.vcf')), 'unknown',
    'the answer is lost, and no object can be read: unknown');
$fake->behave({ %calm, PUT => $failed, REPORT => { status => 500,
    body => '' } });
is(shown($s->update(%change, href => '/book/a.vcf')), 'conflict',
    'the condition has failed, and no object can be read: conflict');
$fake->behave({ %calm, PUT => { status => 412, body => '' },
    REPORT => report('"2"', 'x' x 300_000) });
is(shown($s->update(%change, href => '/book/a.vcf')), 'conflict "2" large',
    'the present text is too large: conflict');
$s->stop();

# Real servers, and a proxy that loses answers

foreach my $kind (qw(radicale xandikos)) {
    my $dav = Pimap::Dav->new(t => $t, kind => $kind)->start();
    my $book = $kind eq 'radicale' ? '/alice/book/'
        : '/alice/contacts/addressbook/';
    my %via = (via => $dav->port());

    $dav->make($book, 'addressbook') if $kind eq 'radicale';
    $fake->behave(\%via);
    $s = Pimap::DavSession->new(t => $t, url => $fake->url())->start();
    is($s->wait_ready(), 'polling', "$kind: watched by a proxy");

    my %update = (update => 'dav.put', href => "${book}1.vcf");

    $fake->behave({ %via, lose => [qw(PUT DELETE)] });
    my $r = $s->update(%update, text => $dav->card('1', 'Ann'));
    is($r->{etag}, $dav->etags($book)->{"${book}1.vcf"},
        '    create, the answer is lost: done');
    is($s->update(%update, text => $dav->card('1', 'Ann'))->{status}, 'done',
        '    again by the device: done');
    $r = $s->update(%update, etag => $r->{etag},
        text => $dav->card('1', 'Bea'));
    is($r->{status}, 'done', '    change: done');
    is($s->update(update => 'dav.delete', href => "${book}1.vcf",
        etag => $r->{etag})->{status}, 'done', '    delete: done');
    is($dav->request('GET', "${book}1.vcf")->{status}, 404,
        '    and it is gone');
    $s->stop();
    $dav->stop();
}

sub report {
    my ($etag, $text) = @_;

    return { body => Pimap::FakeDav::multistatus(defined $etag
        ? Pimap::FakeDav::response('/book/a.vcf', "<D:getetag>$etag"
            . "</D:getetag><A:address-data>$text</A:address-data>")
        : '<D:response><D:href>/book/a.vcf</D:href><D:status>HTTP/1.1 404 X'
            . '</D:status></D:response>') };
}

sub shown {
    my ($r) = @_;

    my ($name) = ($r->{text} // '') =~ /^FN:(\w+)/m;

    return join(' ', $r->{status}, $r->{etag} // (), $name // (),
        $r->{tooLarge} ? 'large' : (), $r->{gone} ? 'gone' : ());
}

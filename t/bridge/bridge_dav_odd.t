#!/usr/bin/perl

# A calendar, an object or an answer of a DAV server that is broken costs only
# itself.  The others are watched, updates are carried out, and nothing is told
# to be removed that the server has not said so.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::DavSession;
use Pimap::FakeDav;

my $t = Pimap->new();
my $fake = Pimap::FakeDav->new(t => $t)->start();
my $all = \&Pimap::FakeDav::multistatus;
my $of = \&Pimap::FakeDav::response;

my %calm = (book => { 'a.vcf' => 1, 'b.vcf' => 1 }, ctag => '1');
my $home = $of->('/', '<D:resourcetype><D:collection/></D:resourcetype>');

sub status { "<D:response><D:href>$_[0]</D:href><D:status>HTTP/1.1 $_[1] X"
    . '</D:status></D:response>' }

sub failed { "<D:response><D:href>$_[0]</D:href><D:propstat><D:prop>"
    . "<D:getetag/><D:resourcetype/></D:prop><D:status>HTTP/1.1 $_[1] X"
    . '</D:status></D:propstat></D:response>' }

sub book {
    return $of->($_[0], '<D:resourcetype><D:collection/><C:addressbook '
        . 'xmlns:C="urn:ietf:params:xml:ns:carddav"/></D:resourcetype>'
        . "<X:getctag xmlns:X=\"http://calendarserver.org/ns/\">$_[1]"
        . '</X:getctag>');
}

sub session {
    my ($mode) = @_;

    $fake->behave($mode);

    my $s = Pimap::DavSession->new(t => $t, url => $fake->url(),
        poll_min => 100, poll_max => 100, poke_min => 50)->start();

    is($s->wait_ready(), 'polling', '    watching');

    return $s;
}

sub logs { grep { $_ =~ $_[1] } map { $_->{text} // '' }
    grep { $_->{what} eq 'log' } $_[0]->all() }

my @lists = (
    ['an empty list', { 'PROPFIND /book/' => { body => $all->() } }],
    ['objects that answer 500', { 'PROPFIND /book/' => { body =>
        $all->(map { status("/book/$_", 500) } 'a.vcf', 'b.vcf') } }],
    ['one of two objects that answers 500', { 'PROPFIND /book/' => { body =>
        $all->($of->('/book/a.vcf', '<D:getetag>1</D:getetag>'),
        status('/book/b.vcf', 500)) } }],
    ['ETags that answer 503', { 'PROPFIND /book/' => { body =>
        $all->(map { failed("/book/$_", 503) } 'a.vcf', 'b.vcf') } }],
    ['a book that answers 500', { 'PROPFIND /' => { body =>
        $all->($home, status('/book/', 500)) } }],
    ['a book whose properties answer 403', { 'PROPFIND /' => { body =>
        $all->($home, failed('/book/', 403)) } }],
);

$t->plan(3 * @lists + 45);

for my $case (@lists) {
    my ($name, $mode) = @$case;
    my $s = session(\%calm);

    $fake->behave({ %calm, ctag => '2', %$mode });
    is(join(' ', map { $_->{event} } $s->events(0.8)), '',
        "$name: nothing is told to be removed");
    $fake->behave({ book => { 'b.vcf' => 1, 'c.vcf' => 1 }, ctag => '3' });
    is(join(' ', map { "@{ $_->{removed} // [] } + "
        . join(' ', map { $_->{href} } @{ $_->{changed} // [] }) }
        $s->event('ContactChange')), '/book/a.vcf + /book/c.vcf',
        '    the server is well again: what has changed is told');
    $s->stop();
}

# A book that is missing once

my $s = session(\%calm);
$fake->behave({ %calm, 'PROPFIND /' => { body => $all->($home) } });
is(($s->event() // {})->{event}, 'AddressBookDelete',
    'a book is missing in two rounds: it is deleted');
$s->stop();

# One of three books is broken.

my %three = map { ("PROPFIND /$_/" => { body => $all->($of->("/$_/1.vcf",
    '<D:getetag>1</D:getetag>')) }) } qw(a c);

for my $broken ({ status => 500, body => '' }, { body => '<a' },
    { status => 401, body => '' }, { status => 429, body => '' },
    { status => 503, body => '', headers => { 'Retry-After' => 60 } },
    { status => 302, headers => { Location => 'http://x.invalid/' },
        body => '' })
{
    my $what = $broken->{status} // 'broken XML';
    my %mode = (%three, 'PROPFIND /b/' => $broken);

    $s = session({ %mode, 'PROPFIND /' => { body => $all->($home,
        map { book("/$_/", 1) } qw(a b c)) } });
    $fake->behave({ %mode, 'PROPFIND /c/' => { body => $all->($of->(
        '/c/1.vcf', '<D:getetag>2</D:getetag>')) }, 'PROPFIND /' => { body =>
        $all->($home, book('/a/', 1), book('/b/', 1), book('/c/', 2)) } });
    is(($s->event('ContactChange') // {})->{changed}[0]{href}, '/c/1.vcf',
        "a book answers $what: the others are watched");
    is(scalar(logs($s, qr{"/b/" can't be synchronized})), 1,
        '    the log names it, once');
    $s->stop();
}

# A sync token that changes while the ctag stays

$s = session({ %calm, token => 't1' });
$fake->behave({ %calm, token => 't2', REPORT => { body => $all->(
    status('/book/b.vcf', 404), '<D:sync-token>t2</D:sync-token>') } });
is(($s->event('ContactChange') // {})->{removed}[0], '/book/b.vcf',
    'the ctag stays, the token changes: the change is told');
$s->stop();

# One of two homes

my $homes = { body => $all->($of->('/', '<A:addressbook-home-set>'
    . '<D:href>/</D:href></A:addressbook-home-set><C:calendar-home-set '
    . 'xmlns:C="urn:ietf:params:xml:ns:caldav"><D:href>/cal/</D:href>'
    . '</C:calendar-home-set>')) };
my %two = (%calm, map { ("PROPFIND /.well-known/$_" => $homes) }
    qw(carddav caldav));
my $cal = { body => $all->($of->('/cal/', '<D:resourcetype><D:collection/>'
    . '</D:resourcetype>'), book('/cal/1/', 1)) };

$s = session({ %two, 'PROPFIND /cal/' => $cal });
$fake->behave({ %two, ctag => '2', book => { 'a.vcf' => 2, 'b.vcf' => 1 },
    'PROPFIND /cal/' => { status => 500, body => '' } });
is(join(' ', map { $_->{event} } $s->events(1)), 'ContactChange',
    'one of two homes answers 500: the other is watched, nothing is removed');
is(scalar(logs($s, qr{"/cal/" can't be listed: 500})), 1,
    '    the log names it, once');
$s->stop();

# A home that is elsewhere, by each redirect, but not on another port

my $to_home = { body => $all->($of->('/', '<A:addressbook-home-set><D:href>'
    . '/home/</D:href></A:addressbook-home-set>')) };

for my $status (301, 302, 307, 308) {
    $s = session({ %calm, 'PROPFIND /.well-known/carddav' => $to_home,
        'PROPFIND /.well-known/caldav' => { status => 404, body => '' },
        'PROPFIND /home/' => { status => $status, body => '',
            headers => { Location => '/' } } });
    is($s->update(update => 'dav.get', hrefs => ['/book/a.vcf'])->{status},
        'done', "    a home behind a $status");
    $s->stop();
}

$s = session({ %calm, 'PROPFIND /.well-known/carddav' => $to_home,
    'PROPFIND /.well-known/caldav' => { status => 404, body => '' },
    'PROPFIND /home/' => { status => 301, body => '', headers => {
        Location => 'http://127.0.0.1:' . $t->port('other') . '/' } } });
is(scalar(logs($s, qr/can't be listed: 0, .*another port/)), 1,
    'a home behind another port: the login is not sent there');
$s->stop();

# Control characters, a line before the XML, objects without ETag or text

my $text = "BEGIN:VCARD\nFN:A\nNOTE:x\x0by\nEND:VCARD\n";
my $report = { body => "\n" . $all->($of->('/book/a.vcf', '<D:getetag>1'
    . "</D:getetag><A:address-data>$text</A:address-data>"),
    $of->('/book/b.vcf', '<D:getetag>1</D:getetag>')) };

$s = session({ %calm, REPORT => $report, 'PROPFIND /' => { body =>
    $all->($home, $of->('/book/', '<D:resourcetype><D:collection/>'
    . "<A:addressbook/></D:resourcetype><D:displayname>B\x01k"
    . '</D:displayname><S:getctag>1</S:getctag>')) } });
is($s->states()->{"\tdav:/book/"}{name}, 'B k',
    'a control character in a name: the account is watched');
my $r = $s->update(update => 'dav.get', hrefs => ['/book/a.vcf',
    '/book/b.vcf']);
is($r->{objects}[0]{text}, "BEGIN:VCARD\nFN:A\nNOTE:x y\nEND:VCARD\n",
    '    in a text, behind an empty line: a space');
is_deeply($r->{objects}[1], { href => '/book/b.vcf', etag => 1 },
    'an object without a text is not too large');
$s->stop();

$s = session({ %calm, REPORT => { body => $report->{body} =~ s/&|x\x0by/&#1;/r
    =~ s/(<D:response>.*?<\/D:response>)(.*)(<\/D:multi)/$2$1$3/sr } });
$r = $s->update(update => 'dav.get', hrefs => ['/book/a.vcf', '/book/b.vcf']);
is("$r->{status} $r->{objects}[0]{href} @{ $r->{left} }",
    'done /book/b.vcf /book/a.vcf',
    'XML that is broken: the objects before the fault, the others are left');
$s->stop();

$s = session(\%calm);
$fake->behave({ %calm, ctag => 2, 'PROPFIND /book/' => { body => $all->(
    book('/book/', 2), map { $of->("/book/$_.vcf", $_ eq 'a' ? '<D:getetag>2'
    . '</D:getetag>' : '<D:resourcetype/>') } 'a', 'c') } });
$s->event('ContactChange');
is(scalar(logs($s, qr{"/book/c.vcf" can't be watched \(no ETag})), 1,
    'an object without an ETag: the log says so');
$s->stop();

# A login that the bridge does not have

$fake->behave({ PROPFIND => { status => 401, body => '', headers =>
    { 'WWW-Authenticate' => 'Digest realm="x"' } } });
$s = Pimap::DavSession->new(t => $t, url => $fake->url())->start();
like($s->line(sub { $_[0]{what} eq 'failed' })->{why},
    qr/401, the server refuses the login and asks for Digest$/,
    'a server that wants Digest: the log says so');
$s->stop();

# One of the places of discovery

$s = session({ %calm, 'PROPFIND /.well-known/carddav' =>
    { status => 501, body => '' } });
$s->stop();

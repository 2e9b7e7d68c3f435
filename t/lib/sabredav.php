<?php

/*
 * A server of Debian's sabre/dav with alice's contacts and calendars, for
 * "php -S".  The folder of its database is in SABREDAV_DIR, the address of the
 * bridge in PIMAP_BRIDGE.
 */

require_once 'Sabre/autoload.php';
require_once __DIR__ . '/../../integrations/sabredav/PimapPlugin.php';

use Sabre\DAV;

class Passwords extends DAV\Auth\Backend\AbstractBasic
{
    protected function validateUserPass($user, $password)
    {
        return $user === 'alice' && $password === 'secret';
    }
}

date_default_timezone_set('UTC');

$pdo = new PDO('sqlite:' . getenv('SABREDAV_DIR') . '/dav.db');
$pdo->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);

// As in the package's examples/sql

$pdo->exec('
CREATE TABLE IF NOT EXISTS principals (id integer primary key asc,
    uri text, email text, displayname text, vcardurl text, UNIQUE(uri));
CREATE TABLE IF NOT EXISTS groupmembers (id integer primary key asc,
    principal_id integer, member_id integer, UNIQUE(principal_id, member_id));
CREATE TABLE IF NOT EXISTS addressbooks (id integer primary key asc,
    principaluri text, displayname text, uri text, description text,
    ctag integer);
CREATE TABLE IF NOT EXISTS cards (id integer primary key asc,
    addressbookid integer, carddata blob, uri text, lastmodified integer);
CREATE TABLE IF NOT EXISTS calendars (id integer primary key asc,
    principaluri text, displayname text, uri text, ctag integer,
    description text, calendarorder integer, calendarcolor text,
    timezone text, components text, transparent bool);
CREATE TABLE IF NOT EXISTS calendarobjects (id integer primary key asc,
    calendardata blob, uri text, calendarid integer, lastmodified integer,
    etag text, size integer, componenttype text, firstoccurence integer,
    lastoccurence integer);
INSERT OR IGNORE INTO principals (uri, email, displayname)
    VALUES (\'principals/alice\', \'alice@example.com\', \'Alice\');
');

$principals = new Sabre\DAVACL\PrincipalBackend\PDO($pdo);

$server = new DAV\Server([
    new Sabre\CalDAV\Principal\Collection($principals),
    new Sabre\CalDAV\CalendarRootNode($principals,
        new Sabre\CalDAV\Backend\PDO($pdo)),
    new Sabre\CardDAV\AddressBookRoot($principals,
        new Sabre\CardDAV\Backend\PDO($pdo)),
]);

$server->setBaseUri('/');
$server->addPlugin(new DAV\Auth\Plugin(new Passwords(), 'sabre/dav'));
$server->addPlugin(new Sabre\CalDAV\Plugin());
$server->addPlugin(new Sabre\CardDAV\Plugin());
$server->addPlugin(new Sabre\DAVACL\Plugin());
$server->addPlugin(new PimapPlugin(getenv('PIMAP_BRIDGE')));
$server->exec();

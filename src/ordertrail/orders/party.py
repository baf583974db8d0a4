"""Who takes part in an order, and where they are. Everything here but codes may be personal."""

from ordertrail.orders.part import Part
from ordertrail.orders.reference import Reference
from ordertrail.orders.words import Country, Gln, Id


class Address(Part, frozen=True):
    """A postal address. schema.org PostalAddress; UBL cac:Address."""

    street: tuple[str, ...] = ()
    """Line by line. schema.org streetAddress; UBL cbc:StreetName, cbc:AdditionalStreetName, cac:AddressLine."""
    box: str | None = None
    """Post office box. schema.org postOfficeBoxNumber; UBL cbc:Postbox."""
    city: str | None = None
    """schema.org addressLocality; UBL cbc:CityName."""
    region: str | None = None
    """State, province or county by name. schema.org addressRegion; UBL cbc:CountrySubentity."""
    region_code: str | None = None
    """The same by its code (ISO 3166-2 or the country's own). UBL cbc:CountrySubentityCode."""
    postal_code: str | None = None
    """schema.org postalCode; UBL cbc:PostalZone."""
    country: Country | None = None
    """ISO 3166-1 alpha-2. schema.org addressCountry; UBL cac:Country/cbc:IdentificationCode."""
    latitude: str | None = None
    """Degrees, as the source wrote them. schema.org latitude; UBL cac:LocationCoordinate."""
    longitude: str | None = None
    """Degrees, as the source wrote them. schema.org longitude."""


class TaxNumber(Part, frozen=True):
    """A party's number with a tax authority. schema.org taxID, vatID; UBL cac:PartyTaxScheme/cbc:CompanyID."""

    scheme: Id
    """``VAT``, ``GST``, ``EIN``, … UBL cac:TaxScheme/cbc:ID."""
    id: Id
    """The number, as the source wrote it."""


class Party(Part, frozen=True):
    """A person or an organisation in one role. schema.org Person, Organization; UBL cac:Party."""

    id: Id | None = None
    """Opaque; the person under whose key their data are sealed. UBL cac:PartyIdentification."""
    name: str | None = None
    """Full name of a person. schema.org name; UBL cac:Contact/cbc:Name."""
    given_name: str | None = None
    """schema.org givenName; UBL cac:Person/cbc:FirstName."""
    family_name: str | None = None
    """schema.org familyName; UBL cac:Person/cbc:FamilyName."""
    organisation: str | None = None
    """Name of the organisation. schema.org legalName; UBL cac:PartyLegalEntity/cbc:RegistrationName, cac:PartyName."""
    email: str | None = None
    """schema.org email; UBL cac:Contact/cbc:ElectronicMail."""
    phone: str | None = None
    """As the source wrote it. schema.org telephone; UBL cac:Contact/cbc:Telephone."""
    gln: Gln | None = None
    """GS1 Global Location Number, 13 digits. schema.org globalLocationNumber; UBL cbc:EndpointID/@schemeID=0088."""
    tax_numbers: tuple[TaxNumber, ...] = ()
    """schema.org vatID, taxID; UBL cac:PartyTaxScheme."""
    address: Address | None = None
    """schema.org address; UBL cac:PostalAddress."""
    references: tuple[Reference, ...] = ()
    """What others call this party: customer numbers, DUNS, EDI ids."""
